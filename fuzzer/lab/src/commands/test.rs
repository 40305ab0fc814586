//! `lab test`: every check of the project, from formatting to planted bugs on the target.

mod campaigns;
mod canaries;
mod chain;
mod churn;
mod clients;
mod corpora;
mod drills;
mod inputs;
mod kernels;
mod lab;
mod ledger;
mod operations;
mod patches;
mod proofs;
mod replays;
mod reproducers;
mod resume;
mod series;
mod smallest;
mod sources;
mod theirs;

use std::{io::Write, time::Instant};

use crate::{
    exit::Exit,
    interrupt,
    setup::{Options, cache::Cache},
};

/// Arguments of `lab test`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Run only the checks whose name contains one of these words
    #[arg(value_name = "WORD")]
    pub only: Vec<String>,
    /// List the checks and stop
    #[arg(long)]
    pub list: bool,
    /// How often the checks of resumed campaigns kill each of theirs
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub kills: u32,
}

const HELP: &str = "Checks of the sources (formatting, lints, unit tests, checkpatch), of what must be refused, of the target (builds, boots, \
replays of all seeds with equal traces, campaigns), and of the judge: each planted bug must be found, by the right \
invariant, and repeat. The last line is the count: «N passed, 0 failed». The exit code is 1 if any check failed.";

/// What a check does. An error says why it failed.
type Body = dyn Fn(&Context) -> anyhow::Result<()>;

/// A check: what it is called, and what it does.
struct Check {
    name: String,
    run: Box<Body>,
}

impl Check {
    fn new(
        name: impl Into<String>,
        run: impl Fn(&Context) -> anyhow::Result<()> + 'static,
    ) -> Check {
        Check {
            name: name.into(),
            run: Box::new(run),
        }
    }
}

/// What checks share.
struct Context {
    options: Options,
    cache: Cache,
    kills: u32,
}

/// Runs the checks.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    let checks = wanted(&args)?;
    if args.list {
        checks.iter().for_each(|check| println!("{}", check.name));
        return Ok(Exit::HELD);
    }
    anyhow::ensure!(
        !checks.is_empty(),
        "no check has such a name; `lab test --list` shows them"
    );
    let context = Context {
        options: options.clone(),
        cache: Cache::open(options.cache.as_deref())?,
        kills: args.kills,
    };
    let passed = checks
        .iter()
        .filter(|check| passes(check, &context))
        .count();
    let failed = checks.len() - passed;
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { Exit::HELD } else { Exit::SETUP })
}

fn wanted(args: &Args) -> anyhow::Result<Vec<Check>> {
    let mut checks = sources::checks();
    checks.extend(inputs::checks());
    checks.extend(patches::checks()?);
    checks.extend(series::checks());
    checks.extend(replays::checks());
    checks.extend(kernels::checks());
    checks.extend(ledger::checks());
    checks.extend(chain::checks());
    checks.extend(churn::checks());
    checks.extend(smallest::checks());
    checks.extend(clients::checks());
    checks.extend(operations::checks());
    checks.extend(drills::checks());
    checks.extend(theirs::checks());
    checks.extend(campaigns::checks()?);
    checks.extend(corpora::checks());
    checks.extend(canaries::checks());
    checks.extend(reproducers::checks()?);
    checks.extend(resume::checks());
    checks.extend(proofs::checks());
    let named = |check: &Check| {
        args.only.is_empty()
            || args
                .only
                .iter()
                .any(|word| check.name.contains(word.as_str()))
    };
    Ok(checks.into_iter().filter(named).collect())
}

fn passes(check: &Check, context: &Context) -> bool {
    print!("test {} ... ", check.name);
    // A lost standard output is no reason to stop checking.
    let _ = std::io::stdout().flush();
    let begin = Instant::now();
    let result = (check.run)(context);
    interrupt::hold_if_ending();
    let seconds = begin.elapsed().as_secs_f32();
    match &result {
        Ok(()) => println!("ok ({seconds:.1} s)"),
        Err(error) => println!(
            "FAILED ({seconds:.1} s)\n  {}",
            format!("{error:#}").replace('\n', "\n  ")
        ),
    }
    result.is_ok()
}
