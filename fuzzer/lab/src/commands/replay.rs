//! `lab replay`: runs programs, or findings again, each on a fresh boot.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::ensure;
use engine::{Leaks, Run, Session, store};
use program::Program;
use trace::ProgramHash;

use crate::{
    exit::Exit,
    findings::{self, Folder, RECORD, Record, Setup},
    rig::{self, RigArgs},
    setup::{Options, cache},
    verdict::Verdict,
};

/// Arguments of `lab replay`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Program files, folders of program files, or folders of findings
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Run each program so many times, each time on a fresh boot; all traces must be equal
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub times: u32,
    /// Write the trace of each program to DIR; two replays give the same bytes
    #[arg(long, value_name = "DIR")]
    pub trace_dir: Option<PathBuf>,
    /// Print each trace, line by line
    #[arg(long)]
    pub show: bool,
    /// What runs; a finding's folder brings its own driver, plant and attach point
    #[command(flatten)]
    pub rig: RigArgs,
}

const HELP: &str = "A program is judged. A finding repeats if the same invariant is broken in the same way. The exit code is the class of \
the first violation (`lab --help` lists them), also for a finding that repeats; 15 if a finding does not repeat, or if \
traces of one program differ; 0 if every program held.";

/// Something to run.
struct Item {
    path: PathBuf,
    program: Program,
    finding: Option<Record>,
}

/// Runs everything, those that need the same modules together.
pub fn run(mut args: Args, options: &Options) -> anyhow::Result<Exit> {
    args.rig.settle(options)?;
    let items = items(&args)?;
    if let Some(folder) = &args.trace_dir {
        check_names(&items, folder)?;
    }
    let mut exits = vec![Exit::HELD; items.len()];
    for setup in setups(&items, &args.rig.setup()) {
        let mut rig_args = RigArgs::of(&setup)?;
        rig_args.settle(options)?;
        let mut rig = rig::ready(options, &rig_args)?;
        let mut session = Session::new(&mut rig.target, rig_args.expectation());
        if rig_args.kmemleak {
            session.set_leaks(Leaks::Told);
        }
        for (item, exit) in items.iter().zip(&mut exits) {
            if *item.setup(&args.rig.setup()) == setup {
                *exit = replay(&args, item, &mut session)?;
            }
        }
    }
    Ok(Exit::first(exits))
}

impl Item {
    fn setup<'a>(&'a self, given: &'a Setup) -> &'a Setup {
        self.finding.as_ref().map_or(given, |record| &record.setup)
    }

    fn name(&self) -> String {
        match &self.finding {
            Some(_) => cache::name(&self.path),
            None => self
                .path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        }
    }
}

/// The different setups, in the order in which they are first needed.
fn setups(items: &[Item], given: &Setup) -> Vec<Setup> {
    let mut setups: Vec<Setup> = Vec::new();
    for item in items {
        if !setups.contains(item.setup(given)) {
            setups.push(item.setup(given).clone());
        }
    }
    setups
}

fn items(args: &Args) -> anyhow::Result<Vec<Item>> {
    let mut items = Vec::new();
    for path in &args.paths {
        if path.join(RECORD).exists() {
            let Folder { record, program } = Folder::read(path)?;
            items.push(Item {
                path: path.clone(),
                program,
                finding: Some(record),
            });
        } else if path.is_dir() {
            let programs = findings::programs(path)?;
            ensure!(
                !programs.is_empty(),
                "{} holds neither a finding nor programs (*.vb2)",
                path.display()
            );
            items.extend(programs.into_iter().map(|(path, program)| Item {
                path,
                program,
                finding: None,
            }));
        } else {
            items.push(Item {
                path: path.clone(),
                program: findings::read_program(path)?,
                finding: None,
            });
        }
    }
    Ok(items)
}

fn check_names(items: &[Item], folder: &Path) -> anyhow::Result<()> {
    let mut names = BTreeSet::new();
    let twice = items.iter().find(|item| !names.insert(item.name()));
    match twice {
        Some(item) => anyhow::bail!(
            "two of the programs are called {}: their traces would overwrite each other in {}; replay them one after the other",
            item.name(),
            folder.display()
        ),
        None => Ok(()),
    }
}

fn replay(args: &Args, item: &Item, session: &mut Session<'_>) -> anyhow::Result<Exit> {
    let first = session.observe_afresh(&item.program)?;
    let mut equal = true;
    for _ in 1..args.times {
        equal &= session.observe_afresh(&item.program)?.trace == first.trace;
    }
    if let Some(folder) = &args.trace_dir {
        let text = trace::file::print(ProgramHash::of(&item.program), &first.trace);
        store::write(
            &folder.join(item.name()).with_extension("jsonl"),
            text.as_bytes(),
        )?;
    }
    if args.show {
        print!("{}", trace::render(&item.program, &first.trace));
        let story = session.story(&item.program, &first.trace);
        println!(
            "the reference model predicted {} of {} calls",
            story.predicted, story.calls
        );
    }
    Ok(conclude(item, &first, equal))
}

fn conclude(item: &Item, run: &Run, equal: bool) -> Exit {
    let verdict = Verdict::new(&item.program, &run.trace, &run.violations);
    let path = item.path.display();
    if !equal {
        println!("{path}: its traces differ from boot to boot\n{verdict}");
        return Exit::NONDETERMINISM;
    }
    let Some(record) = &item.finding else {
        print!("{path}: {verdict}");
        return verdict.exit();
    };
    if run.shows(&record.key()) {
        print!("{path}: repeated: {}\n{verdict}", record.key());
        return Exit(record.exit_code);
    }
    print!("{path}: not repeated: {}\n{verdict}", record.key());
    Exit::NONDETERMINISM
}
