//! `lab predict`: how much of what the kernel answers the reference model predicts.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::ensure;
use engine::{Session, store};
use judge::Story;
use program::{Profile, Program, Seeded, generate};
use trace::{ProgramHash, Trace};

use crate::{
    corpus,
    exit::Exit,
    progress::Stage,
    rig::{self, RigArgs},
    setup::Options,
    verdict::{self, paragraph},
};

/// Arguments of `lab predict`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Generate and run so many programs, after the seeds
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub programs: u64,
    /// Seed of the random numbers
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// The share of the calls that has to be predicted
    #[arg(long, value_name = "PERCENT", default_value_t = 96, value_parser = clap::value_parser!(u32).range(..=100))]
    pub least: u32,
    /// Write each program and its trace to DIR
    #[arg(long, value_name = "DIR")]
    pub trace_dir: Option<PathBuf>,
    /// What runs
    #[command(flatten)]
    pub rig: RigArgs,
}

const HELP: &str = "The reference model of videobuf2 and mem2mem says what each call must answer, where it knows: calls of several \
threads that overlap, and what a driver decides alone, it does not. The exit code is the class of the first violation, 1 if fewer \
calls were predicted than --least asks for, else 0.";

/// Runs the programs and counts.
pub fn run(mut args: Args, options: &Options) -> anyhow::Result<Exit> {
    args.rig.settle(options)?;
    let programs = programs(&args)?;
    let expectation = args.rig.expectation();
    let mut rig = rig::ready(options, &args.rig)?;
    let mut session = Session::new(&mut rig.target, expectation);
    let mut stage = Stage::begin("predicting", Some(programs.len() as u64));
    let (mut total, mut first) = (Total::default(), Exit::HELD);
    for (number, program) in programs.iter().enumerate() {
        let run = session.observe(program, false)?;
        total.add(&judge::story(&expectation, program, &run.trace));
        for violation in &run.violations {
            stage.say(&paragraph(program, violation));
        }
        first = Exit::first([first, verdict::exit(&run.violations)]);
        keep(&args, number, program, &run.trace)?;
        stage.step("");
    }
    stage.done();
    total.print();
    ensure!(
        first != Exit::HELD || total.suffices(args.least),
        "fewer than {} % of the calls were predicted: what is not known stands above",
        args.least
    );
    Ok(first)
}

/// The seeds and what the generator makes.
fn programs(args: &Args) -> anyhow::Result<Vec<Program>> {
    let driver = args.rig.driver;
    let mut programs = corpus::seeds(driver)?;
    programs.extend(corpus::regressions(driver)?);
    let made = (0..args.programs).map(|number| {
        let mut choose = Seeded::new(args.seed.wrapping_add(number));
        let profile = Profile::of(driver).swarm(&mut choose);
        generate(&mut choose, &profile)
    });
    programs.extend(made);
    Ok(programs)
}

fn keep(args: &Args, number: usize, program: &Program, trace: &Trace) -> anyhow::Result<()> {
    let Some(folder) = &args.trace_dir else {
        return Ok(());
    };
    let write = |end: &str, text: String| {
        let file = folder.join(format!("{number:05}.{end}"));
        store::write(&file, text.as_bytes())
    };
    write("vb2", program.to_string())?;
    write("jsonl", trace::file::print(ProgramHash::of(program), trace))?;
    Ok(())
}

/// What the model knew of all programs.
#[derive(Default)]
struct Total {
    calls: u64,
    predicted: u64,
    unknown: BTreeMap<&'static str, u64>,
}

impl Total {
    fn add(&mut self, story: &Story) {
        self.calls += u64::from(story.calls);
        self.predicted += u64::from(story.predicted);
        for (why, count) in &story.unknown {
            *self.unknown.entry(why).or_default() += u64::from(*count);
        }
    }

    fn suffices(&self, least: u32) -> bool {
        self.calls > 0 && self.predicted * 100 >= self.calls * u64::from(least)
    }

    fn print(&self) {
        let share = self.predicted as f64 * 100.0 / self.calls.max(1) as f64;
        println!(
            "predicted {} of {} calls, {share:.1} %",
            self.predicted, self.calls
        );
        let mut unknown: Vec<_> = self.unknown.iter().collect();
        unknown.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (why, count) in unknown {
            println!("  {count:6} not: {why}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(predicted: u32, calls: u32) -> Total {
        let mut total = Total::default();
        total.add(&Story {
            predicted,
            calls,
            ..Story::default()
        });
        total
    }

    #[test]
    fn a_model_that_says_nothing_does_not_suffice() {
        assert!(total(95, 100).suffices(95));
        assert!(!total(94, 100).suffices(95));
        assert!(!total(0, 0).suffices(0));
    }
}
