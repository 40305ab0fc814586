//! `lab bench fences`: what release fences cost, on kernels without anything that watches, in real time.
//!
//! All kernels are measured in one run, in turns and on one core, each time on a fresh boot, so that neither the machine's
//! drift nor the luck of one boot looks like a difference between kernels. The kernel without the series is measured twice:
//! what it differs from itself is the noise.

mod contender;
mod measure;
mod report;
mod statistics;

use std::path::PathBuf;

use engine::store;

use crate::{
    exit::{Exit, malformed},
    json,
    progress::Stage,
    rig,
    setup::{self, Options, Prepared, config::Config},
    target::uml::host::Core,
};
use contender::{Contender, Role};
use measure::{MEASURES, Measure, Side, Taken};
use report::{Report, Row};

/// Arguments of `lab bench fences`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Measure every kernel so many times
    #[arg(long, value_name = "N", default_value_t = 11, value_parser = clap::value_parser!(u32).range(3..1000))]
    pub rounds: u32,
    /// Three rounds of few cycles: enough to see that it works, too few to trust
    #[arg(long, conflicts_with = "rounds")]
    pub quick: bool,
    /// Pin the guests to this core [default: the first that no other lab uses]
    #[arg(long, value_name = "N")]
    pub core: Option<usize>,
    /// Write the numbers to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the table to FILE, as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

const HELP: &str = "Four targets take turns on one core, in real time, without KASAN, lockdep and the like: the kernel without the series, \
the same once more (the noise), the series with drivers that do not opt in, and the series with drivers that do. Each time \
a target boots afresh, and a client program in it takes the mean of the middle half of many system calls: once as it sees \
them, and once through a module that takes the time in the kernel, because User-Mode Linux spends microseconds on the way \
in and out. A ratio is made of two answers of one round; what is printed is the median of all rounds and an interval that \
covers it with 95 %, if there are rounds enough. «Within noise» means that the interval comes as close to 1 as the kernel \
without the series comes to itself. How many fences were attached is counted in a run of its own, because counting costs time.";

/// What `--quick` divides cycles by.
const QUICK: u32 = 20;
const QUICK_ROUNDS: u32 = 3;

impl Args {
    fn rounds(&self) -> u32 {
        if self.quick {
            QUICK_ROUNDS
        } else {
            self.rounds
        }
    }

    fn cycles(&self, measure: &Measure) -> u32 {
        if self.quick {
            measure.cycles.div_ceil(QUICK)
        } else {
            measure.cycles
        }
    }

    /// The command that makes the same table again.
    fn command(&self, options: &Options) -> String {
        let rounds = format!("--rounds {}", self.rounds);
        let length = if self.quick { "--quick" } else { &rounds };
        let kernel = rig::kernel_words(options).join(" ");
        format!("cargo lab bench fences {length} {kernel}")
            .trim_end()
            .to_owned()
    }
}

/// Measures and prints.
pub(super) fn run(args: &Args, options: &Options) -> anyhow::Result<Exit> {
    if options.vanilla || options.no_series {
        return Err(malformed(
            "bench fences compares a kernel with the series to one without: leave out --vanilla and --no-series",
        ));
    }
    let (vanilla, series) = (plain(options, true)?, plain(options, false)?);
    let core = Core::claim(args.core)?;
    let mut contenders = Role::ALL
        .map(|role| Contender::new(role, role.pick(&vanilla, &series), core.index))
        .into_iter()
        .collect::<anyhow::Result<Vec<_>>>()?;
    let attached = Role::ALL
        .map(|role| contender::count(role, role.pick(&vanilla, &series), core.index))
        .into_iter()
        .collect::<anyhow::Result<Vec<_>>>()?;
    let taken = rounds(args, &mut contenders)?;
    let report = Report {
        command: args.command(options),
        kernel: series.kernel.version.clone(),
        core: core.index,
        rounds: args.rounds(),
        coverage: statistics::coverage(args.rounds() as usize),
        measures: rows(args, &taken),
        attached: attached.concat(),
    };
    print!("{}", report.text());
    keep(args, &report)?;
    Ok(Exit::HELD)
}

fn plain(options: &Options, vanilla: bool) -> anyhow::Result<Prepared> {
    setup::prepare(&Options {
        vanilla,
        series: options.series.clone().filter(|_| !vanilla),
        config: Config::Plain,
        ..options.clone()
    })
}

/// What one measure came to: for each round one answer of each contender, in the order of [`Role::ALL`].
type Rounds = Vec<[Taken; Role::ALL.len()]>;

/// Measures everything, round by round; a list a measure.
fn rounds(args: &Args, contenders: &mut [Contender]) -> anyhow::Result<Vec<Rounds>> {
    let visits = u64::from(args.rounds()) * contenders.len() as u64;
    let mut stage = Stage::begin("measuring", Some(visits));
    let mut all = vec![Rounds::new(); MEASURES.len()];
    for round in 0..args.rounds() as usize {
        let mut answers = vec![[Taken::default(); Role::ALL.len()]; MEASURES.len()];
        for turn in 0..contenders.len() {
            // Nobody always comes first.
            let place = (round + turn) % contenders.len();
            let taken = contenders[place].visit(|measure| args.cycles(measure))?;
            for (answers, taken) in answers.iter_mut().zip(taken) {
                answers[place] = taken;
            }
            stage.step(contenders[place].role.title());
        }
        for (all, answers) in all.iter_mut().zip(answers) {
            all.push(answers);
        }
    }
    stage.done();
    Ok(all)
}

/// A row for each measure, those of one side together.
fn rows(args: &Args, taken: &[Rounds]) -> Vec<Row> {
    let of_side = |side| {
        let measured = MEASURES.iter().zip(taken);
        measured.filter_map(move |(measure, rounds)| {
            Row::new(measure, side, args.cycles(measure), rounds)
        })
    };
    Side::ALL.into_iter().flat_map(of_side).collect()
}

fn keep(args: &Args, report: &Report) -> anyhow::Result<()> {
    json::keep(args.json.as_deref(), report)?;
    if let Some(path) = &args.markdown {
        store::write(path, report.markdown().as_bytes())?;
    }
    Ok(())
}
