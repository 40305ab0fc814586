//! `lab judge`: what the judge says about a recorded trace. No kernel is needed.

use std::path::{Path, PathBuf};

use anyhow::Context;
use judge::Expectation;
use program::{Driver, Program};
use trace::{ProgramHash, file::TraceFile};

use crate::{
    exit::{Exit, malformed},
    findings::{self, PROGRAM},
    rig,
    setup::Options,
    verdict::Verdict,
};

/// Arguments of `lab judge`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A trace file, as `lab replay --trace-dir` and findings have it
    #[arg(value_name = "TRACE")]
    pub trace: PathBuf,
    /// The program of the trace [default: program.vb2 beside the trace]
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
    /// The driver that was traced
    #[arg(long, value_name = "NAME", default_value = "double", value_parser = rig::driver_parser())]
    pub driver: Driver,
    /// The driver does not opt in to release fences, so a job without one is fine
    #[arg(long)]
    pub not_opted_in: bool,
    /// Print the violations as JSON
    #[arg(long)]
    pub json: bool,
    /// Print the trace as well, line by line
    #[arg(long, conflicts_with = "json")]
    pub show: bool,
}

/// Judges the trace.
pub fn run(args: Args, _options: &Options) -> anyhow::Result<Exit> {
    let file = read_trace(&args.trace)?;
    let program = read_program(&args, file.program)?;
    let expectation = Expectation {
        opted_in: !args.not_opted_in,
        ..Expectation::of(args.driver, true)
    };
    let violations = judge::judge_with(&expectation, &program, &file.trace);
    if args.show {
        print!("{}", trace::render(&program, &file.trace));
    }
    let verdict = Verdict::new(&program, &file.trace, &violations);
    if args.json {
        println!("{}", judge::to_json(&violations));
    } else {
        print!("{}: {verdict}", args.trace.display());
    }
    Ok(verdict.exit())
}

/// Reads a trace file.
pub fn read_trace(path: &Path) -> anyhow::Result<TraceFile> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8(bytes)
        .map_err(|error| malformed(format!("{}: {error}", path.display())))?;
    trace::file::parse(&text).map_err(|error| malformed(format!("{}: {error}", path.display())))
}

/// The program, which must be the one that was traced: another one would be judged for what it never did.
fn read_program(args: &Args, traced: ProgramHash) -> anyhow::Result<Program> {
    let beside = args.trace.with_file_name(PROGRAM);
    let path = args.program.clone().unwrap_or(beside);
    let program = findings::read_program(&path).with_context(|| {
        format!(
            "the program of {}: name it with --program FILE",
            args.trace.display()
        )
    })?;
    let hash = ProgramHash::of(&program);
    if hash != traced {
        return Err(malformed(format!(
            "{} is of program {traced}, but {} is program {hash}",
            args.trace.display(),
            path.display()
        )));
    }
    Ok(program)
}
