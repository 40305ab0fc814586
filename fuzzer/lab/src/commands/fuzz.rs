//! `lab fuzz`: a campaign of random programs, LibAFL on the host.

mod console;
mod summary;

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use engine::{Bound, Campaign, Strategy, store};
use program::Program;

use crate::{
    commands::plants,
    corpus,
    exit::Exit,
    interrupt::Graceful,
    reproducer::Bench,
    rig::{self, Inside, RigArgs},
    setup::Options,
};
use console::Console;
use summary::{Summary, announcement, repeat_line};

/// Arguments of `lab fuzz`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Search for so many seconds of real time [default: 60]
    #[arg(long, value_name = "N", conflicts_with = "programs", value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: Option<u64>,
    /// Run so many programs; with --seed this repeats a campaign exactly
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub programs: Option<u64>,
    /// Seed of the random numbers [default: drawn anew]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Print the names of the planted bugs, one a line, and stop (`lab plants` says more)
    #[arg(long)]
    pub list_plants: bool,
    /// Stop after so many findings [default: 1 with --plant, else no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub stop_after: Option<u64>,
    /// Keep the corpus as text in DIR, and begin with what is there after the seeds
    #[arg(long, value_name = "DIR")]
    pub corpus: Option<PathBuf>,
    /// Keep findings in DIR, a folder each
    #[arg(long, value_name = "DIR", default_value = "findings")]
    pub findings: PathBuf,
    /// Write what ran and what was found to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Most programs that minimising one finding may run
    #[arg(long, value_name = "N", default_value_t = 600, hide_short_help = true)]
    pub minimise: u32,
    /// What runs
    #[command(flatten)]
    pub rig: RigArgs,
}

const HELP: &str = "The campaign begins with the programs in corpus/seeds and corpus/regressions (with --plant without the \
latter, which would give the bug away), those for another driver than the double with the ones in corpus/seeds/DRIVER. Every program that shows new coverage or a \
new state is run twice and must leave the same trace. Everything that breaks an invariant is replayed three times on \
fresh boots, minimised, and kept as a folder that `lab replay` repeats. Ctrl-C ends a campaign as its bound would. The exit \
code is 0 if nothing was found, else that of the first finding (`lab --help` lists them).";

const DEFAULT_SECONDS: u64 = 60;

/// Runs the campaign.
pub fn run(mut args: Args, options: &Options) -> anyhow::Result<Exit> {
    if args.list_plants {
        return plants::names();
    }
    args.rig.settle(options)?;
    let campaign = campaign(&args)?;
    print!("{}", announcement(&args, &campaign));
    let prepared = rig::prepare(options, &args.rig)?;
    let mut rig = rig::on(&prepared, options, &args.rig, Inside::default())?;
    let line = repeat_line(&args, options, campaign.seed);
    let origin = rig.origin(campaign.seed);
    let _graceful = Graceful::hold();
    let bench = Bench {
        prepared: &prepared,
        options,
    };
    let mut console = Console::begin(
        args.findings.clone(),
        origin.clone(),
        line,
        campaign.bound,
        (bench, &args.rig),
    );
    let outcome = engine::campaign(&campaign, &mut rig.target, &mut console)?;
    let (line, kept) = console.end();
    let summary = Summary::new(&args, &origin, &campaign, &outcome, &kept);
    print!("{}", summary.text(&line));
    if let Some(path) = &args.json {
        store::write(path, summary.json()?.as_bytes())?;
    }
    Ok(summary.exit())
}

fn campaign(args: &Args) -> anyhow::Result<Campaign> {
    let seconds = args.seconds.unwrap_or(DEFAULT_SECONDS);
    let time = Bound::Time(Duration::from_secs(seconds));
    let planted = args.rig.plant.is_some().then_some(1);
    Ok(Campaign {
        strategy: Strategy::Search,
        seed: args.seed.map_or_else(draw, Ok)?,
        bound: args.programs.map_or(time, Bound::Programs),
        seeds: seeds(args)?,
        driver: args.rig.driver,
        expectation: args.rig.expectation(),
        corpus: args.corpus.clone(),
        stop_after: args.stop_after.or(planted).map(|most| most as usize),
        minimise_budget: args.minimise,
        leak_checks: args.rig.kmemleak,
    })
}

/// Ten digits are enough to be unlike any other campaign, and few enough to be typed again.
fn draw() -> anyhow::Result<u64> {
    let mut bytes = [0; 4];
    let source = "/dev/urandom";
    std::io::Read::read_exact(
        &mut std::fs::File::open(source).context(source)?,
        &mut bytes,
    )
    .context(source)?;
    Ok(u32::from_le_bytes(bytes).into())
}

/// With a bug planted there are no regressions among the seeds: they would give it away.
fn seeds(args: &Args) -> anyhow::Result<Vec<Program>> {
    let driver = args.rig.driver;
    let mut seeds = corpus::seeds(driver)?;
    if args.rig.plant.is_none() {
        seeds.extend(corpus::regressions(driver)?);
    }
    if let Some(kept) = args.corpus.as_deref().filter(|folder| folder.is_dir()) {
        seeds.extend(corpus::in_folder(kept)?);
    }
    Ok(seeds)
}
