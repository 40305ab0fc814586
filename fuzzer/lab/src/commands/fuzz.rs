//! `lab fuzz`: a campaign of random programs, LibAFL on the host.

mod console;
mod crew;
mod dashboard;
mod place;
mod summary;
mod view;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use engine::{Bound, Campaign, Resumed, Strategy, store};
use program::Program;

use crate::{
    campaign::{Before, Desk, Folder, Identity, Killed, Line, Metrics, Plan, Screen},
    commands::plants,
    corpus,
    exit::Exit,
    findings::Origin,
    interrupt::Graceful,
    reproducer::Bench,
    rig::{self, Inside, RigArgs},
    setup::{Options, cache::Cache},
    terminal,
};
use console::Console;
use dashboard::Dashboard;
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
    /// Keep the campaign in DIR, and go on with what is there [default: a folder in the cache]
    #[arg(long, value_name = "DIR")]
    pub campaign: Option<PathBuf>,
    /// Begin anew, even if there is a campaign to go on with
    #[arg(long)]
    pub fresh: bool,
    /// Guests at work, each on a core of its own; with more than one a seed does not repeat a campaign exactly
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub instances: u64,
    /// Keep findings in DIR, a folder each
    #[arg(long, value_name = "DIR", default_value = "findings")]
    pub findings: PathBuf,
    /// Write what ran and what was found to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the lines of the campaign's log to FILE as well, one a second and one for each event
    #[arg(long, value_name = "FILE")]
    pub jsonl: Option<PathBuf>,
    /// Say in plain lines how it goes, on a terminal too
    #[arg(long)]
    pub plain: bool,
    /// Serve the campaign's numbers for Prometheus at this address
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub prometheus: Option<String>,
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
fresh boots, minimised, and kept as a folder that `lab replay` repeats. Ctrl-C ends a campaign as its bound would. One that was \
killed goes on where it was when the next one on the same target begins without a seed, or in its folder. The exit \
code is 0 if nothing was found, else that of the first finding (`lab --help` lists them).";

const DEFAULT_SECONDS: u64 = 60;

/// Runs the campaign.
pub fn run(mut args: Args, options: &Options) -> anyhow::Result<Exit> {
    if args.list_plants {
        return plants::names();
    }
    args.rig.settle(options)?;
    let prepared = rig::prepare(options, &args.rig)?;
    let count = args.instances as usize;
    let rigs = rig::several(&prepared, options, &args.rig, count, Inside::default)?;
    let identity = Identity::new(args.rig.setup(), &rigs[0].kernel, &rigs[0].build);
    let cache = Cache::open(options.cache.as_deref())?;
    let place = place::choose(&args, &cache, &identity.setup)?;
    let (folder, before) = Folder::open(&place, &identity)?;
    if args.findings.is_dir() {
        // A lab that was killed while it wrote a finding has left a part of it; its suspect is looked into again.
        store::sweep(&args.findings)?;
    }
    let campaign = campaign(&args, &before)?;
    print!("{}", announcement(&args, &campaign, &place, &before));
    let origin = rigs[0].origin(campaign.seed);
    let plan = Plan {
        findings: args.findings.clone(),
        origin: origin.clone(),
        line: repeat_line(&args, options, &campaign, &place, &before),
        stop_after: args.most_findings(),
        instances: rigs.len(),
        before: part(&before).stats,
        found: part(&before).found,
        jsonl: args.jsonl.clone(),
    };
    let start = start(&args, &campaign, &plan, &before)?;
    let _graceful = Graceful::hold();
    let screens = screens(&args, &campaign, &origin)?;
    let bench = Bench {
        prepared,
        options: options.clone(),
    };
    let desk = Desk::open(folder, plan, screens)?.with_bench(bench, args.rig.clone());
    let desk = Arc::new(desk);
    desk.tell(&start)?;
    let ended = crew::run(&desk, &campaign, rigs)?;
    let desk = Arc::into_inner(desk).context("every instance has left the desk")?;
    let (total, line) = desk.close(ended)?;
    let summary = Summary::new(&args, &origin, &campaign, &total, ended);
    print!("{}", summary.text(&line));
    if let Some(path) = &args.json {
        store::write(path, summary.json()?.as_bytes())?;
    }
    Ok(summary.exit())
}

/// For people and, if they ask for it, machines.
fn screens(
    args: &Args,
    campaign: &Campaign,
    origin: &Origin,
) -> anyhow::Result<Vec<Box<dyn Screen>>> {
    let mut screens: Vec<Box<dyn Screen>> = Vec::new();
    if let Some(address) = &args.prometheus {
        let metrics = Metrics::serve(address)?;
        println!("prometheus  http://{}/metrics", metrics.address());
        screens.push(Box::new(metrics));
    }
    screens.push(match terminal::is_there() && !args.plain {
        true => Box::new(Dashboard::begin(
            summary::title(args, campaign, origin),
            args.bound(),
        )?),
        false => Box::new(Console::begin()),
    });
    Ok(screens)
}

/// The part that goes on; nothing if a new one begins.
fn part(before: &Before) -> Killed {
    before.killed.clone().unwrap_or_default()
}

/// What the campaign's log begins with.
fn start(args: &Args, campaign: &Campaign, plan: &Plan, before: &Before) -> anyhow::Result<Line> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(Line::Start {
        time: now.context("the clock is before 1970")?.as_secs(),
        resumed: before.killed.is_some(),
        seed: campaign.seed,
        instances: plan.instances,
        bound: args.bound().into(),
        kernel: plan.origin.kernel.clone(),
        build: plan.origin.build.clone(),
    })
}

impl Args {
    /// How far the part goes, from its beginning on.
    fn bound(&self) -> Bound {
        let seconds = self.seconds.unwrap_or(DEFAULT_SECONDS);
        let time = Bound::Time(Duration::from_secs(seconds));
        self.programs.map_or(time, Bound::Programs)
    }

    fn most_findings(&self) -> Option<usize> {
        let planted = self.rig.plant.is_some().then_some(1);
        self.stop_after.or(planted).map(|most| most as usize)
    }
}

/// What is left of the bound.
fn left(bound: Bound, part: &Killed) -> Bound {
    match bound {
        Bound::Programs(_) => bound,
        Bound::Time(time) => {
            let spent = part.stats.seconds + part.stats.triage_seconds;
            Bound::Time(time.saturating_sub(Duration::from_secs_f64(spent)))
        }
    }
}

fn campaign(args: &Args, before: &Before) -> anyhow::Result<Campaign> {
    let part = part(before);
    let drawn = match (args.seed, &before.killed) {
        (Some(seed), _) => seed,
        (None, Some(killed)) => killed.seed,
        (None, None) => draw()?,
    };
    let found = part.found.iter();
    let known = found.flat_map(|found| found.beside.iter().chain([&found.key]).cloned());
    let most = args.most_findings();
    Ok(Campaign {
        strategy: Strategy::Search,
        // What was drawn before the kill need not be drawn again.
        seed: crew::seed(drawn, part.stats.programs << 8),
        bound: left(args.bound(), &part),
        seeds: seeds(args, before)?,
        driver: args.rig.driver,
        expectation: args.rig.expectation(),
        resumed: Resumed {
            corpus: kept(before),
            suspects: before.suspects.clone(),
            known: known.collect(),
        },
        ran: Arc::new(part.stats.programs.into()),
        stop_after: most.map(|most| most.saturating_sub(part.found.len())),
        minimise_budget: args.minimise,
        leak_checks: args.rig.kmemleak,
    })
}

/// What need not be run twice and studied again.
fn kept(before: &Before) -> Vec<Program> {
    match before.other_build {
        true => Vec::new(),
        false => before.corpus.clone(),
    }
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
/// What was kept on another build is to be studied anew.
fn seeds(args: &Args, before: &Before) -> anyhow::Result<Vec<Program>> {
    let driver = args.rig.driver;
    let mut seeds = corpus::seeds(driver)?;
    if args.rig.plant.is_none() {
        seeds.extend(corpus::regressions(driver)?);
    }
    if before.other_build {
        seeds.extend(before.corpus.iter().cloned());
    }
    Ok(seeds)
}
