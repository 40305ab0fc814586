//! `lab prove`: every program of a scope, up to the state that it leads to, and a certificate.

mod book;
mod check;
mod console;
mod crew;
mod pairs;
mod report;
mod shortest;
mod sweep;

use std::path::{Path, PathBuf};

use anyhow::Context;
use explorer::{Graph, Plan, Scope};

use crate::{
    clone,
    exit::{Exit, malformed},
    findings::Origin,
    interrupt::{self, Graceful},
    progress::Stage,
    rig::{self, RigArgs},
    setup::Options,
    target::uml::host,
};
use book::Book;
use crew::Crew;

/// Arguments of `lab prove`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// A scope: its name in corpus/scopes, or a file
    #[arg(value_name = "SCOPE", required_unless_present = "check")]
    pub scope: Option<PathBuf>,
    /// Run a random part of what a certificate says was run, and compare
    #[arg(long, value_name = "CERTIFICATE", conflicts_with = "scope")]
    pub check: Option<PathBuf>,
    /// Most symbols in a program, instead of what the scope says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub depth: Option<u32>,
    /// Pairs of a pruned program and the one that stands for it that are compared; with --check, programs that are run again
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    pub samples: u64,
    /// Seed of what is drawn
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Targets that run at once, each on a core [default: number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub workers: Option<u64>,
    /// Say how many states, transitions and programs there are, and stop
    #[arg(long)]
    pub count: bool,
    /// Keep proofs in DIR, a folder each; one that was interrupted goes on
    #[arg(long, value_name = "DIR", default_value = "proofs")]
    pub proofs: PathBuf,
    /// Keep counterexamples in DIR, a folder each
    #[arg(long, value_name = "DIR", default_value = "findings")]
    pub findings: PathBuf,
    /// What runs
    #[command(flatten)]
    pub rig: RigArgs,
}

const HELP: &str = "A scope says what programs may do (fuzzer/explorer/README.md). All of them are explored with a model, \
and every transition between its states is run on the kernel. The outcome is DIR/SCOPE/certificate.json, which says in words what \
was proved, or the shortest program of the scope that breaks the contract, as a finding that `lab replay` repeats. The exit \
code is 0 if the scope was explored to its end and held, that of the first violation if not, 15 if the kernel did something else than \
the model, or programs that the model takes for one did not show the same.";

/// Most programs that are even counted.
const MOST: usize = 4_000_000;

/// What is to be proved.
struct Subject {
    scope: Scope,
    text: String,
    graph: Graph,
    plan: Plan,
}

/// Proves, or checks a proof.
pub fn run(mut args: Args, options: &Options) -> anyhow::Result<Exit> {
    args.rig.settle(options)?;
    if let Some(certificate) = args.check.clone() {
        return check::run(&args, options, &certificate);
    }
    let subject = Subject::load(&args)?;
    print!("{}", report::announcement(&subject));
    if args.count {
        return Ok(Exit::HELD);
    }
    let _graceful = Graceful::hold();
    let prepared = rig::prepare(options, &args.rig)?;
    let crew = Crew::new(&prepared, options, &args.rig, workers(&args)?, args.seed)?;
    Proof {
        args: &args,
        subject: &subject,
        options,
        origin: crew.origin(),
        crew: &crew,
    }
    .run()
}

fn workers(args: &Args) -> anyhow::Result<usize> {
    match args.workers {
        Some(workers) => Ok(workers as usize),
        None => Ok(host::cores()?.len()),
    }
}

/// A proof under way.
struct Proof<'a> {
    args: &'a Args,
    options: &'a Options,
    subject: &'a Subject,
    origin: &'a Origin,
    crew: &'a Crew<'a>,
}

impl Proof<'_> {
    fn run(&self) -> anyhow::Result<Exit> {
        let folder = self.folder();
        let mut book = Book::open(&folder, &self.identity()?, self.subject.plan.walks.len())?;
        let swept = sweep::sweep(self, &mut book)?;
        if let Some(suspect) = swept.suspects.first() {
            return shortest::conclude(self, suspect);
        }
        if !swept.complete {
            return self.interrupted();
        }
        let compared = pairs::compare(self)?;
        if let Some(suspect) = compared.suspects.first() {
            return shortest::conclude(self, suspect);
        }
        let divergences = [swept.divergences, compared.divergences].concat();
        if !divergences.is_empty() {
            return Ok(report::diverged(&divergences));
        }
        if !compared.complete {
            return self.interrupted();
        }
        let certificate = report::certificate(self, &mut book, compared.pairs)?;
        report::write(&folder, &certificate)?;
        Ok(Exit::HELD)
    }

    /// Where the proof is kept: proofs of one scope that differ in what was asked for do not overwrite each other.
    fn folder(&self) -> PathBuf {
        let mut name = self.subject.scope.name.clone();
        name.extend(self.args.depth.map(|depth| format!("-depth-{depth}")));
        name.extend(self.args.rig.plant.iter().map(|plant| format!("-{plant}")));
        if self.args.rig.attach() != Default::default() {
            name = format!("{name}-{}", self.args.rig.attach().name());
        }
        self.args.proofs.join(name)
    }

    /// What makes one proof another: the programs, and what they run on.
    fn identity(&self) -> anyhow::Result<String> {
        let identity = serde_json::json!({
            "version": explorer::VERSION,
            "scope": self.subject.text,
            "depth": self.subject.scope.depth,
            "programs": self.subject.plan.walks.len(),
            "setup": self.args.rig.setup(),
            "build": self.origin.build,
        });
        serde_json::to_string_pretty(&identity).context("subject.json")
    }

    fn interrupted(&self) -> anyhow::Result<Exit> {
        anyhow::ensure!(interrupt::requested(), "the proof did not come to its end");
        eprintln!("interrupted; the same command goes on from here");
        Ok(Exit::SETUP)
    }
}

impl Subject {
    fn load(args: &Args) -> anyhow::Result<Subject> {
        let given = args.scope.as_deref().context("which scope?")?;
        let path = place(given)?;
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "{}: give the name of a file in corpus/scopes, or a scope file",
                path.display()
            )
        })?;
        Subject::of(&path.display().to_string(), text, args.depth)
    }

    /// Explores a scope.
    fn of(name: &str, text: String, depth: Option<u32>) -> anyhow::Result<Subject> {
        let refuse = |why: String| malformed(format!("{name}: {why}"));
        let mut scope: Scope = text.parse().map_err(|error| refuse(format!("{error}")))?;
        scope.depth = depth.unwrap_or(scope.depth);
        let stage = Stage::begin("exploring the model", None);
        let graph = explorer::explore(&scope, MOST).map_err(|error| refuse(error.to_string()))?;
        let plan = Plan::new(&scope, &graph);
        stage.done();
        Ok(Subject {
            scope,
            text,
            graph,
            plan,
        })
    }
}

fn place(given: &Path) -> anyhow::Result<PathBuf> {
    if given.is_file() {
        return Ok(given.to_owned());
    }
    let name = given.with_extension("scope");
    Ok(clone::root()?.join("corpus/scopes").join(name))
}
