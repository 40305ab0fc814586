//! Where the instances of a campaign meet: what one keeps the others learn, a finding of two is one, and all is counted
//! together.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use engine::{Ended, Events, Finding, Key, Run, Stats};
use program::Program;
use trace::wire::{COVERAGE_CELLS, FenceCounts, Study};

use super::{
    folder::{Folder, PLACES, TOTALS},
    log::{Found, Line, Log, Numbers},
    places::Places,
    totals::Totals,
};
use crate::{
    findings::{self, Folder as FindingFolder, Origin},
    interrupt,
    lock::{locked, unlocked},
    reproducer::{Bench, Reproduction},
    rig::RigArgs,
};

/// How often an instance tells its counts.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// How often the log hears of them.
const LOG_EVERY: Duration = Duration::from_secs(1);
/// How often the totals are written.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// What shows a campaign while it runs.
pub trait Screen: Send {
    /// New counts.
    fn show(&mut self, total: &Total);
    /// A line that stays.
    fn say(&mut self, line: &str);
}

/// What a campaign came to so far.
#[derive(Clone, Debug, Default)]
pub struct Total {
    /// All instances and all that was resumed, added up.
    pub stats: Stats,
    /// Findings in the order in which they were made.
    pub found: Vec<Found>,
    /// What each instance came to in this sitting.
    pub instances: Vec<Stats>,
    /// Places in the kernel that the corpus goes through.
    pub places: usize,
    /// Different triples of buffer state, fence state and operation.
    pub states: usize,
    /// The last program that was kept, and the second of search at which it was.
    pub last_new: Option<(String, f64)>,
}

/// What a campaign needs to know.
#[derive(Debug)]
pub struct Plan {
    /// Where findings go.
    pub findings: PathBuf,
    /// What their reports have in common.
    pub origin: Origin,
    /// The command that repeats the campaign, with `{}` for the number of programs.
    pub line: String,
    /// Stop after so many findings.
    pub stop_after: Option<usize>,
    /// Guests.
    pub instances: usize,
    /// What a part that is resumed came to.
    pub before: Stats,
    /// What it found.
    pub found: Vec<Found>,
    /// Where the lines of the campaign's log go as well.
    pub jsonl: Option<PathBuf>,
}

/// The desk. Each instance has a [`Member`] to talk to it.
pub struct Desk {
    work: Mutex<Work>,
    stop: AtomicBool,
    /// Where the C programs of findings are tried, and with what.
    bench: Option<(Bench, RigArgs)>,
}

struct Work {
    folder: Folder,
    plan: Plan,
    screens: Vec<Box<dyn Screen>>,
    jsonl: Option<Log>,
    /// What each instance counted.
    stats: Vec<Stats>,
    total: Total,
    covered: Box<[bool]>,
    /// Programs that instances kept, with the instance.
    kept: Vec<(usize, Program)>,
    claimed: HashSet<Key>,
    places: Places,
    totals: Totals,
    logged: Instant,
    written: Instant,
}

impl Desk {
    /// Opens the desk over a campaign's folder.
    pub fn open(folder: Folder, plan: Plan, screens: Vec<Box<dyn Screen>>) -> anyhow::Result<Desk> {
        let places = Places::open(&folder.path().join(PLACES), &plan.origin.build)?;
        let totals = Totals::read(&folder.path().join(TOTALS))?;
        let mut work = Work {
            stats: vec![Stats::default(); plan.instances],
            total: Total {
                found: plan.found.clone(),
                ..Total::default()
            },
            covered: vec![false; COVERAGE_CELLS].into(),
            kept: Vec::new(),
            claimed: HashSet::new(),
            places,
            totals,
            logged: Instant::now(),
            written: Instant::now(),
            jsonl: plan.jsonl.as_deref().map(Log::open).transpose()?,
            folder,
            plan,
            screens,
        };
        work.add_up_all();
        Ok(Desk {
            work: Mutex::new(work),
            stop: AtomicBool::new(false),
            bench: None,
        })
    }

    /// Has the C programs of findings tried.
    pub fn with_bench(self, bench: Bench, args: RigArgs) -> Desk {
        Desk {
            bench: Some((bench, args)),
            ..self
        }
    }

    /// The C program of a finding, tried if there is a bench. That boots a guest, and keeps nobody waiting but the finder.
    fn reproduce(&self, finding: &Finding) -> Reproduction {
        let origin = self.work().plan.origin.clone();
        let mut reproduction = Reproduction::new(finding, &origin);
        if let Some((bench, args)) = &self.bench {
            reproduction.run(bench, args);
        }
        reproduction
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        locked(&self.work)
    }

    /// Has every instance stop.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Adds a line to the campaign's log.
    pub fn tell(&self, line: &Line) -> anyhow::Result<()> {
        self.work().tell(line)
    }

    /// A line for whoever watches.
    pub fn say(&self, line: &str) {
        self.work().say(line);
    }

    /// The campaign is over: writes its last numbers and gives them, with the command that repeats it.
    pub fn close(self, ended: Ended) -> anyhow::Result<(Total, String)> {
        let mut work = unlocked(self.work);
        work.add_up_all();
        work.write_totals()?;
        let line = Line::End {
            ended: name(ended).into(),
            numbers: Numbers::from(&work.total.stats),
        };
        work.tell(&line)?;
        let repeat = work.repeat();
        Ok((work.total, repeat))
    }
}

/// Why a campaign ended, for people and machines.
pub fn name(ended: Ended) -> &'static str {
    match ended {
        Ended::Bound => "done",
        Ended::Found => "stopped at a finding",
        Ended::Interrupted => "interrupted",
    }
}

impl Work {
    fn say(&mut self, line: &str) {
        for screen in &mut self.screens {
            screen.say(line);
        }
    }

    fn tell(&mut self, line: &Line) -> anyhow::Result<()> {
        self.folder.tell(line)?;
        self.jsonl.as_mut().map_or(Ok(()), |log| log.add(line))
    }

    fn add_up(&mut self) {
        let mut all = self.plan.before.clone();
        let searched = |stats: &Stats| stats.seconds;
        let longest = self.stats.iter().map(searched).fold(0.0, f64::max);
        all.seconds += longest;
        for stats in &self.stats {
            all.programs += stats.programs;
            all.operations += stats.operations;
            all.triage_seconds += stats.triage_seconds;
            all.repeated += stats.repeated;
            all.history_dependent += stats.history_dependent;
            all.boots += stats.boots;
            add(&mut all.fences, stats.fences);
        }
        all.coverage = self.covered.iter().filter(|cell| **cell).count();
        all.corpus = self.folder.corpus();
        all.findings = self.total.found.len();
        self.total.stats = all;
        self.total.instances.clone_from(&self.stats);
        self.total.places = self.places.count();
    }

    /// As [`add_up`](Self::add_up), with what takes longer.
    fn add_up_all(&mut self) {
        self.add_up();
        self.total.states = self.totals.states();
    }

    fn report(&mut self) -> anyhow::Result<()> {
        self.add_up_all();
        for screen in &mut self.screens {
            screen.show(&self.total);
        }
        if self.logged.elapsed() >= LOG_EVERY {
            self.logged = Instant::now();
            let numbers = Numbers::from(&self.total.stats);
            self.tell(&Line::Progress(numbers))?;
        }
        if self.written.elapsed() >= WRITE_EVERY {
            self.written = Instant::now();
            self.write_totals()?;
        }
        Ok(())
    }

    fn write_totals(&self) -> anyhow::Result<()> {
        self.totals.write(&self.folder.path().join(TOTALS))
    }

    fn repeat(&self) -> String {
        let programs = self.total.stats.programs.to_string();
        self.plan.line.replace("{}", &programs)
    }

    fn keep(&mut self, instance: usize, program: &Program) -> anyhow::Result<()> {
        let Some(file) = self.folder.keep(program)? else {
            return Ok(());
        };
        self.add_up();
        let stats = &self.total.stats;
        self.total.last_new = Some((file.clone(), stats.seconds));
        let programs = stats.programs;
        self.kept.push((instance, program.clone()));
        self.tell(&Line::Kept { file, programs })
    }

    fn find(&mut self, finding: &Finding, reproduction: &Reproduction) -> anyhow::Result<()> {
        let (repeat, plan) = (self.repeat(), &self.plan);
        let (root, origin) = (&plan.findings, &plan.origin);
        let folder = FindingFolder::write(root, finding, origin, &repeat, reproduction)?;
        let (before, after) = (finding.original.steps.len(), finding.program.steps.len());
        let found = Found {
            key: finding.key.clone(),
            exit_code: finding.exit_code,
            reproduced: findings::reproduced(finding),
            operations: after,
            beside: finding.violations.iter().map(Key::of).collect(),
            folder,
        };
        let told = format!(
            "  reproduced: {}, minimised from {before} to {after} operations: {}",
            found.reproduced,
            found.folder.display()
        );
        self.say(&told);
        self.say(&format!("  as C: {}", reproduction.words()));
        self.claimed.extend(found.beside.iter().cloned());
        self.total.found.push(found.clone());
        self.tell(&Line::Finding(found))
    }
}

fn add(total: &mut FenceCounts, more: FenceCounts) {
    total.attached += more.attached;
    total.signalled += more.signalled;
    total.destroyed += more.destroyed;
    total.pending += more.pending;
}

/// An instance's way to the desk.
pub struct Member {
    desk: Arc<Desk>,
    instance: usize,
    /// How much of what others kept this instance has seen.
    seen: usize,
    totals: Totals,
    told: Option<Instant>,
    stats: Stats,
    /// What went wrong where nothing can be returned; the next call that can does.
    failure: Option<anyhow::Error>,
}

impl Member {
    /// The member for an instance.
    pub fn new(desk: Arc<Desk>, instance: usize) -> Member {
        Member {
            desk,
            instance,
            seen: 0,
            totals: Totals::default(),
            told: None,
            stats: Stats::default(),
            failure: None,
        }
    }

    /// Tells the last counts.
    pub fn leave(mut self, stats: &Stats) -> anyhow::Result<()> {
        self.stats = stats.clone();
        self.tell()?;
        self.failure.map_or(Ok(()), Err)
    }

    fn tell(&mut self) -> anyhow::Result<()> {
        let mut work = self.desk.work();
        work.stats[self.instance] = self.stats.clone();
        work.totals.absorb(&mut self.totals);
        work.report()
    }

    fn failed(&mut self) -> anyhow::Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

impl Events for Member {
    fn progress(&mut self, stats: &Stats) {
        self.stats.clone_from(stats);
        if self.told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        if let Err(error) = self.tell() {
            self.failure = Some(error);
        }
    }

    fn suspect(&mut self, key: &Key) {
        self.desk.say(&format!(
            "{key}\n  replaying on fresh boots and minimising …"
        ));
    }

    fn finding(&mut self, finding: &Finding) -> anyhow::Result<()> {
        let reproduction = self.desk.reproduce(finding);
        let mut work = self.desk.work();
        work.stats[self.instance] = self.stats.clone();
        work.add_up();
        work.find(finding, &reproduction)?;
        let enough = |most| work.total.found.len() >= most;
        if work.plan.stop_after.is_some_and(enough) {
            self.desk.stop();
        }
        Ok(())
    }

    fn ran(&mut self, program: &Program, run: &Run) {
        self.totals.count(program, &run.trace);
    }

    fn reached(&mut self, cells: &[u16]) {
        let mut work = self.desk.work();
        for cell in cells {
            work.covered[usize::from(*cell)] = true;
        }
    }

    fn kept(&mut self, program: &Program) -> anyhow::Result<()> {
        self.failed()?;
        self.desk.work().keep(self.instance, program)
    }

    fn studied(&mut self, _program: &Program, study: &Study) -> anyhow::Result<()> {
        self.desk.work().places.add(study)
    }

    fn broke(&mut self, program: &Program) -> anyhow::Result<()> {
        self.desk.work().folder.suspect(program)
    }

    fn settled(&mut self, program: &Program) -> anyhow::Result<()> {
        self.failed()?;
        self.desk.work().folder.settle(program)
    }

    fn claim(&mut self, key: &Key) -> bool {
        self.desk.work().claimed.insert(key.clone())
    }

    fn others(&mut self) -> Vec<Program> {
        let work = self.desk.work();
        let new = work.kept[self.seen..].iter();
        let others = new.filter(|(instance, _)| *instance != self.instance);
        let others = others.map(|(_, program)| program.clone()).collect();
        self.seen = work.kept.len();
        others
    }

    fn interrupted(&self) -> bool {
        interrupt::requested() || self.desk.stop.load(Ordering::Relaxed)
    }
}
