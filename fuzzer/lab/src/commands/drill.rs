//! `lab drill`: proves from user space what each knob of the double does.

use std::{path::PathBuf, time::Duration};

use engine::Target;
use judge::Expectation;
use program::Driver;

use super::{
    run,
    selftest::outcome::{Outcome, Verdict, plain, verdict},
};
use crate::{
    exit::Exit,
    json,
    rig::{self, RigArgs},
    setup::Options,
    target::uml::{
        double::{Memory, Node, Shape},
        execution::Execution,
    },
};

/// Time of the guest that all drills may take together.
const LIMIT: Duration = Duration::from_secs(120);

/// The agent, of which the drills are a mode.
const AGENT: &str = "/init";

/// Nodes that the drills open.
const NODES: [Node; 3] = [Node::Decoder, Node::M2m, Node::M2mMplane];

/// Arguments of `lab drill`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Only these drills
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Leave the settings under test out: then every drill has to fail
    #[arg(long)]
    pub inert: bool,
    /// Where the double's buffers come from [default: vmalloc]
    #[arg(long, value_name = "KIND", value_enum)]
    pub memory: Option<Memory>,
    /// Print everything that the drills print
    #[arg(long)]
    pub show: bool,
    /// Write the results to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

const HELP: &str = "module/vb2_double/knobs.md tells what the knobs do. All drills run on one boot, with the ledger watching. The exit code \
is 0 if every drill passed and the judge found nothing; 10 if a drill failed, 14 if the kernel died or complained, else the \
class of the first violation. With --inert it is 0 if no drill passed.";

/// Runs the drills and prints the table.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    let mut rig_args = RigArgs {
        shape: Shape {
            nodes: NODES.to_vec(),
            memory: args.memory,
        },
        ..RigArgs::default()
    };
    rig_args.settle(options)?;
    let mut rig = rig::ready(options, &rig_args)?;
    rig.target.boot()?;
    let execution = rig.target.exec(&argv(&args), LIMIT)?;
    if args.show
        && let Execution::Ended(executed) = &execution
    {
        print!("{}", String::from_utf8_lossy(&executed.output));
    }
    let expectation = Expectation::of(Driver::Double, true);
    let violations = run::judged(expectation, &execution.trace());
    let name = if args.inert { "drill, inert" } else { "drill" };
    let outcome = Outcome::new(name.to_owned(), Verdict::of(&execution), &violations);
    json::keep(args.json.as_deref(), &outcome)?;
    if args.inert {
        return Ok(inert(&outcome));
    }
    let outcomes = [outcome];
    print!("{}", plain(&outcomes));
    Ok(verdict(&outcomes))
}

fn argv(args: &Args) -> Vec<String> {
    let words = [AGENT, "--drill"].into_iter();
    let words = words.chain(args.inert.then_some("--inert"));
    words
        .map(str::to_owned)
        .chain(args.names.iter().cloned())
        .collect()
}

/// A drill that passes without its setting proves nothing.
fn inert(outcome: &Outcome) -> Exit {
    let (failed, passed) = outcome.numbers();
    println!("{failed} drills fail without the setting that they are about, {passed} do not");
    if passed == 0 && failed > 0 && outcome.held_otherwise() {
        Exit::HELD
    } else {
        print!("{}", plain(std::slice::from_ref(outcome)));
        Exit::TIMING
    }
}
