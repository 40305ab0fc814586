//! `lab reproduce`: the C program of a finding, built and run in a guest of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use engine::{Session, store};

use crate::{
    exit::Exit,
    findings::{self, Folder, RECORD, REPRODUCER},
    reproducer::{self, Bench, Built, Outcome, Shown, Sight, Source},
    rig::{self, Inside, RigArgs},
    setup::{Options, Prepared, cache},
    target::uml::Attach,
};

/// Arguments of `lab reproduce`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Folders of findings, or program files
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Run it without the bug too (no plant, fences attached when a job is armed): there it must hold
    #[arg(long)]
    pub without: bool,
    /// Write the C file of a program to FILE
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Print what the reproducer printed
    #[arg(long)]
    pub show: bool,
    /// What runs; a finding's folder brings its own driver, plant and attach point
    #[command(flatten)]
    pub rig: RigArgs,
}

const HELP: &str = "A finding's reproducer.c is built with `cc -Wall -Wextra -Werror` and runs in a fresh guest, where nothing of the lab takes \
part. A program is judged first, and the C file is made for the first invariant that it breaks. The exit code is that of the \
finding if its failure shows, 15 if it does not, or if it shows without the bug; 0 if a program breaks nothing.";

/// Builds and runs each.
pub fn run(mut args: Args, options: &Options) -> anyhow::Result<Exit> {
    args.rig.settle(options)?;
    let exits: anyhow::Result<Vec<_>> = args
        .paths
        .iter()
        .map(|path| reproduce(&args, options, path))
        .collect();
    Ok(Exit::first(exits?))
}

/// A C program, where it runs, and the exit code of what it shows.
struct Case {
    source: Source,
    rig: RigArgs,
    exit: Exit,
}

fn reproduce(args: &Args, options: &Options, path: &Path) -> anyhow::Result<Exit> {
    let prepared = rig::prepare(options, &args.rig)?;
    let case = match path.join(RECORD).exists() {
        true => Some(of_finding(path)?),
        false => of_program(args, options, &prepared, path)?,
    };
    let Some(case) = case else {
        println!(
            "{}: every invariant held: nothing to reproduce",
            path.display()
        );
        return Ok(Exit::HELD);
    };
    if let Some(file) = &args.save {
        store::write(file, case.source.text.as_bytes())?;
    }
    let built = Built::of_text(&case.source.text)?;
    let bench = Bench {
        prepared: prepared.clone(),
        options: options.clone(),
    };
    let with = bench.run(&case.rig, &built, &case.source)?;
    let without = match args.without {
        true => Some(bench.run(&healthy(&case.rig), &built, &case.source)?),
        false => None,
    };
    print!("{}", told(path, &case.source, &with, without.as_ref()));
    if args.show {
        print!("{}", with.output);
        print!("{}", without.as_ref().map_or("", |outcome| &outcome.output));
    }
    Ok(judged(&case, &with, without.as_ref()))
}

/// The same driver without the bug.
fn healthy(rig: &RigArgs) -> RigArgs {
    RigArgs {
        plant: None,
        attach: Some(Attach::DeviceRun),
        ..rig.clone()
    }
}

fn judged(case: &Case, with: &Outcome, without: Option<&Outcome>) -> Exit {
    let held = without.is_none_or(|outcome| match case.source.sight {
        Sight::Ledger => !outcome.shown.is_failure(),
        _ => outcome.shown == Shown::Held,
    });
    match with.shown.is_failure() && held {
        true => case.exit,
        false => Exit::NONDETERMINISM,
    }
}

/// One line: which invariant, how it shows, with the bug and without.
fn told(path: &Path, source: &Source, with: &Outcome, without: Option<&Outcome>) -> String {
    let without = without.map_or(String::new(), |outcome| {
        format!("; without the bug: {}", outcome.shown.words())
    });
    format!(
        "{}: {} as C: {}{without}\n",
        path.display(),
        source.invariant,
        with.shown.words()
    )
}

fn of_finding(path: &Path) -> anyhow::Result<Case> {
    let Folder { record, .. } = Folder::read(path)?;
    let none = || format!("{}: this finding has no C program", path.display());
    let sight = record.reproducer.as_ref().with_context(none)?.sight;
    let text = fs::read_to_string(path.join(REPRODUCER)).with_context(none)?;
    Ok(Case {
        source: Source {
            text,
            sight,
            invariant: record.invariant.clone(),
        },
        rig: RigArgs::of(&record.setup)?,
        exit: Exit(record.exit_code),
    })
}

/// Runs the program under the judge, and makes the C file for the first violation.
fn of_program(
    args: &Args,
    options: &Options,
    prepared: &Prepared,
    path: &Path,
) -> anyhow::Result<Option<Case>> {
    let program = findings::read_program(path)?;
    let mut rig = rig::on(prepared, options, &args.rig, Inside::default())?;
    let run = Session::new(&mut rig.target, args.rig.expectation()).observe_afresh(&program)?;
    let Some(violation) = run.violations.first() else {
        return Ok(None);
    };
    let source = reproducer::source(&program, &run.trace, violation, &rig.origin(0))
        .with_context(|| cache::name(path))?;
    Ok(Some(Case {
        source,
        rig: args.rig.clone(),
        exit: Exit(violation.invariant.class().exit_code()),
    }))
}
