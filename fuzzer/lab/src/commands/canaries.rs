//! `lab canaries`: how surely and how soon each planted bug is found, beside searches that do without this or that.

mod crew;
mod plot;
mod report;
mod results;
mod save;
mod score;
mod trial;
mod way;

use std::{collections::BTreeSet, path::PathBuf, sync::Mutex};

use anyhow::{Context, bail};
use engine::store;

use crate::{
    exit::Exit,
    interrupt::Graceful,
    json,
    plants::{self, Plant},
    setup::{self, Options, Prepared},
};
use report::Report;
use results::{Record, Results};
use trial::{Budget, Shop, Trial};
use way::Way;

/// Arguments of `lab canaries`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Planted bugs to look for [default: all, see `lab plants`]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Campaigns for each bug, with the seeds 1 to N
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// Seconds of search that each campaign has
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub budget: u64,
    /// Look for the bugs in the other ways too, with the same budget
    #[arg(long)]
    pub baselines: bool,
    /// Campaigns of each other way for each bug [default: as many as --seeds]
    #[arg(long, value_name = "N", requires = "baselines", value_parser = clap::value_parser!(u64).range(1..))]
    pub baseline_seeds: Option<u64>,
    /// Keep what each campaign came to in FILE, and run none again that is there
    /// [default: canaries.jsonl in the cache]
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,
    /// Write every campaign and what they come to to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the table as Markdown to FILE
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Write a plot of the times to FILE, an SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Keep the smallest program that shows each bug in corpus/regressions
    #[arg(long)]
    pub save: bool,
    /// Most programs that minimising one finding may run
    #[arg(long, value_name = "N", default_value_t = 600, hide_short_help = true)]
    pub minimise: u32,
}

impl Args {
    /// Campaigns that each bug gets in a way.
    fn seeds_of(&self, way: Way) -> u64 {
        match way {
            Way::Lab => self.seeds,
            way if way.depends_on_seed() => self.baseline_seeds.unwrap_or(self.seeds),
            _ => 1,
        }
    }
}

const HELP: &str = "A campaign ends at its first finding, which counts if it repeats on three fresh boots. It begins with \
corpus/seeds alone: corpus/regressions would give the bugs away. Time counts from the start of the campaign, the boot \
included, to the end of the first program that broke an invariant; building the modules is not part of it. «Meant» says whether \
the invariant is one of those that the bug's file names. A campaign that ended stays as it is until the bug, the kernel, the \
modules, the seeds or the parts that search and judge change, so a run that was interrupted goes on where it was. Two or more \
campaigns run at a time, each on a core of its own.\n\n\
The other ways (--baselines) are judged by the same oracles: «no seeds» is the same search, which has to make all \
programs itself; «no feedback» generates programs without looking at what they cover; «no model» mutates by coverage, with random \
operations and arguments; these three have no seeds either. «seeds» runs each seed once, and «compliance» runs v4l2-compliance \
with streaming.\n\n\
The exit code is 0 if every campaign of the lab's own search found its bug, else 10.";

/// Runs every campaign that is wanted and not known yet, and tells what all of them came to.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    let plants = wanted(&args.names)?;
    let prepared = setup::prepare(options)?;
    let file = args.results.clone();
    let file = file.unwrap_or_else(|| prepared.cache.root().join("canaries.jsonl"));
    let results = Results::open(&file)?;
    let trials = trials(&args, &plants, &prepared)?;
    let new = results.missing(&trials);
    println!(
        "{} bugs, {} campaigns of {} s at most, {} of them known; kept in {}",
        plants.len(),
        trials.len(),
        args.budget,
        trials.len() - new.len(),
        file.display()
    );
    build(&plants, &new, &prepared)?;
    let graceful = Graceful::hold();
    let shop = Shop {
        prepared: &prepared,
        options,
        minimise: args.minimise,
        making: Mutex::default(),
    };
    let records = crew::run(&shop, &trials, new, results)?;
    drop(graceful);
    let report = Report::new(&args, &prepared, &plants, &records);
    tell(&args, &report)?;
    if args.save {
        save::all(&prepared, options, &plants, &records)?;
    }
    Ok(match report.all_found() {
        true => Exit::HELD,
        false => Exit::MISSED,
    })
}

fn wanted(names: &[String]) -> anyhow::Result<Vec<Plant>> {
    if names.is_empty() {
        return plants::list();
    }
    let names: BTreeSet<_> = names.iter().collect();
    names.into_iter().map(|name| plants::load(name)).collect()
}

/// Every campaign that is asked for. The lab's own come first: they decide the exit code.
fn trials(args: &Args, plants: &[Plant], prepared: &Prepared) -> anyhow::Result<Vec<Trial>> {
    let lab = trial::lab_key(&prepared.clone)?;
    let ways = if args.baselines {
        &Way::ALL
    } else {
        &[Way::Lab][..]
    };
    let mut trials = Vec::new();
    for way in ways {
        for plant in plants {
            let build = prepared.modules_key(Some(plant))?;
            trials.extend((1..=args.seeds_of(*way)).map(|seed| Trial {
                bug: plant.name.clone(),
                way: *way,
                seed,
                budget: Budget(args.budget),
                build: build.clone(),
                lab: lab.clone(),
            }));
        }
    }
    Ok(trials)
}

/// Builds the modules of every bug first, so that nothing but campaigns runs while time counts.
fn build(plants: &[Plant], new: &[Trial], prepared: &Prepared) -> anyhow::Result<()> {
    let needed = |plant: &&Plant| new.iter().any(|trial| trial.bug == plant.name);
    for plant in plants.iter().filter(needed) {
        let modules = prepared.modules(Some(plant));
        modules.with_context(|| format!("the planted bug {}", plant.name))?;
    }
    Ok(())
}

fn tell(args: &Args, report: &Report) -> anyhow::Result<()> {
    print!("{}", report.text());
    json::keep(args.json.as_deref(), report)?;
    if let Some(file) = &args.markdown {
        store::write(file, report.markdown().as_bytes())?;
    }
    if let Some(file) = &args.plot {
        store::write(file, plot::svg(report).as_bytes())?;
    }
    Ok(())
}

/// The records of all trials, in their order; an error if one is missing.
fn complete(results: &Results, trials: &[Trial]) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    for trial in trials {
        match results.get(trial) {
            Some(record) => records.push(record.clone()),
            None => bail!("interrupted; the same command goes on where it was"),
        }
    }
    Ok(records)
}
