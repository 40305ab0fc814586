//! `lab churn`: loads and unloads the double again and again, while processes use it, die, and pass on what they held.

mod memory;

use std::{ops::AddAssign, path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use engine::Target;
use program::{Driver, Program};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trace::{
    Trace,
    wire::{Ended, Executed},
};

use self::memory::{Growth, Memory};
use super::run;
use crate::{
    exit::Exit,
    json,
    progress::Stage,
    rig::{self, Rig, RigArgs},
    setup::Options,
    target::uml::execution::Execution,
    verdict::{self, Verdict},
};

/// Rounds between two readings of the memory, and of the ledger's trace by the judge.
const CHUNK: u64 = 10;

/// Time of the guest that so many rounds may take; they take a tenth of a second.
const LIMIT: Duration = Duration::from_secs(60);

/// Arguments of `lab churn`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Play so many rounds
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub rounds: u64,
    /// What the rounds do depends on this number and their own
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Begin with this round: a failure names one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub first: u64,
    /// Write the numbers to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// What runs
    #[command(flatten)]
    pub rig: RigArgs,
}

const HELP: &str = "A round starts up to three processes that open the double or are given an open file, stream with knobs of any setting, export \
every buffer and a sync_file of each. Some of these are taken from them. Then they exit, close everything in this or that \
order, stop streaming, or are killed: at work, behind a closed gate, blocked in DQBUF or in poll(2). While a video file is open \
the double must refuse to go; then it must go, under live dma-bufs and sync_files, which must go on answering; then it comes \
back.\n\
\n\
After each round every process must be reaped, every fence initialised, signalled and destroyed, no module used by anybody who \
did not use it before, no descriptor left. Every ten rounds the judge looks at the ledger and the kernel's log, and the \
kernel's memory is read. It may not grow: the slope of a line through the readings, after a first part in which caches and \
KASAN's quarantine fill, must stay below what is said in the table. That needs some hundred readings; with --kmemleak leaks \
are found after few rounds.\n\
\n\
The exit code is 12 if something was not given back, else the class of the first violation, else 0.";

/// What rounds did, as the agent tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    rounds: u64,
    virtual_ns: u64,
    clients: u64,
    killed: u64,
    inherited: u64,
    passed: u64,
    refused: u64,
    survivors: u64,
    records: u64,
    inits: u64,
    signals: u64,
    destroys: u64,
    #[serde(skip_serializing)]
    memory: Memory,
}

impl AddAssign<&Told> for Told {
    fn add_assign(&mut self, more: &Told) {
        self.rounds += more.rounds;
        self.virtual_ns += more.virtual_ns;
        self.clients += more.clients;
        self.killed += more.killed;
        self.inherited += more.inherited;
        self.passed += more.passed;
        self.refused += more.refused;
        self.survivors += more.survivors;
        self.records += more.records;
        self.inits += more.inits;
        self.signals += more.signals;
        self.destroys += more.destroys;
    }
}

/// All rounds.
#[derive(Debug, Serialize)]
struct Report {
    seed: u64,
    first: u64,
    #[serde(flatten)]
    told: Told,
    memory: Vec<Growth>,
    kmemleak: Option<Vec<String>>,
    /// What was not given back, or how the last round failed.
    failure: Option<String>,
    #[serde(skip)]
    violations: Vec<judge::Violation>,
    #[serde(skip)]
    readings: Vec<Memory>,
}

/// Plays the rounds and says what is left of them.
pub fn run(mut args: Args, options: &Options) -> anyhow::Result<Exit> {
    args.rig.settle(options)?;
    ensure!(
        args.rig.driver == Driver::Double,
        "only the double can be told to hold its jobs: leave out --driver"
    );
    let mut rig = rig::ready(options, &args.rig)?;
    rig.target.boot()?;
    let report = play(&args, &mut rig)?;
    print!("{}", report.text());
    json::keep(args.json.as_deref(), &report.json()?)?;
    Ok(report.exit())
}

fn play(args: &Args, rig: &mut Rig) -> anyhow::Result<Report> {
    let mut report = Report {
        seed: args.seed,
        first: args.first,
        told: Told::default(),
        memory: Vec::new(),
        kmemleak: None,
        failure: None,
        violations: Vec::new(),
        readings: Vec::new(),
    };
    let mut stage = Stage::begin("playing rounds", Some(args.rounds.div_ceil(CHUNK)));
    while report.told.rounds < args.rounds && report.holds() {
        let first = args.first + report.told.rounds;
        let rounds = CHUNK.min(args.rounds - report.told.rounds);
        if let Some(told) = chunk(args, rig, first, rounds, &mut report)? {
            report.readings.push(told.memory);
            report.told += &told;
        }
        stage.step(&format!("{} rounds", report.told.rounds));
    }
    stage.done();
    report.memory = memory::growth(&report.readings);
    if args.rig.kmemleak && report.holds() {
        report.kmemleak = Some(engine::leaks(&mut rig.target)?);
    }
    Ok(report)
}

/// Some rounds in one process of the guest. None if something went wrong, which the report then says.
fn chunk(
    args: &Args,
    rig: &mut Rig,
    first: u64,
    rounds: u64,
    report: &mut Report,
) -> anyhow::Result<Option<Told>> {
    let mut argv = vec!["/init".to_owned(), "--churn".to_owned()];
    argv.extend([args.seed, first, rounds].map(|number| number.to_string()));
    let execution = rig.target.exec(&argv, LIMIT)?;
    report.violations = run::judged(args.rig.expectation(), &execution.trace());
    let executed = match execution {
        Execution::Ended(executed) => executed,
        Execution::Died { how, .. } => {
            report.failure = Some(format!("the guest died in rounds {first} and on: {how:?}"));
            return Ok(None);
        }
    };
    if executed.end != Ended::Exited(0) {
        report.failure = Some(failure(&executed));
        return Ok(None);
    }
    let told = serde_json::from_slice(&executed.output)
        .context("the agent's numbers: it is of another version than this lab")?;
    Ok(Some(told))
}

fn failure(executed: &Executed) -> String {
    let said = String::from_utf8_lossy(&executed.errors);
    let how = run::failure(executed.end).unwrap_or_default();
    format!("{} ({how})", said.trim())
}

impl Report {
    fn holds(&self) -> bool {
        self.failure.is_none() && self.violations.is_empty()
    }

    fn leaks(&self) -> bool {
        let kmemleak = self.kmemleak.as_ref();
        self.memory.iter().any(|growth| !growth.is_tolerable())
            || kmemleak.is_some_and(|leaks| !leaks.is_empty())
    }

    fn exit(&self) -> Exit {
        match (verdict::exit(&self.violations), &self.failure) {
            (Exit::HELD, None) if self.leaks() => Exit::LIFECYCLE,
            (Exit::HELD, Some(_)) => Exit::LIFECYCLE,
            (exit, _) => exit,
        }
    }

    fn json(&self) -> anyhow::Result<Value> {
        let mut json = serde_json::to_value(self)?;
        json["violations"] = serde_json::from_str(&judge::to_json(&self.violations))?;
        json["readings"] = serde_json::to_value(&self.readings)?;
        Ok(json)
    }

    fn text(&self) -> String {
        let told = &self.told;
        let mut text = format!(
            "{} rounds: {} processes, {} of them killed, {} with a file that was given to them; {} descriptors passed on\n\
             the double refused to go {} times, and went {} times, under {} live dma-bufs and sync_files\n\
             fences: {} initialised, {} signalled, {} destroyed\n",
            told.rounds,
            told.clients,
            told.killed,
            told.inherited,
            told.passed,
            told.refused,
            told.rounds,
            told.survivors,
            told.inits,
            told.signals,
            told.destroys
        );
        for growth in &self.memory {
            text += &format!("memory: {growth}\n");
        }
        match self.kmemleak.as_deref() {
            None => {}
            Some([]) => text += "kmemleak: nothing\n",
            Some(leaks) => leaks.iter().for_each(|leak| text += &format!("{leak}\n")),
        }
        if let Some(failure) = &self.failure {
            text += &format!("{failure}\n");
        }
        if !self.violations.is_empty() {
            let (program, trace) = (Program::default(), Trace::default());
            text += &Verdict::new(&program, &trace, &self.violations).to_string();
        }
        let next = self.first + told.rounds;
        text + &match self.exit() {
            Exit::HELD => "everything was given back\n".to_owned(),
            _ if self.holds() => "not everything was given back\n".to_owned(),
            _ => format!(
                "repeat: cargo lab churn --seed {} --first {next} --rounds {CHUNK}\n",
                self.seed
            ),
        }
    }
}
