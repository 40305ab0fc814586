//! A campaign: seeds first, then whatever LibAFL makes of them, until a bound is reached.

use std::{
    rc::Rc,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use judge::Expectation;
use libafl::{
    Error,
    corpus::Corpus,
    events::NopEventManager,
    fuzzer::{Evaluator, Fuzzer as _, HasObjective},
    generators::Generator,
    state::HasCorpus,
};
use program::{Driver, Profile, Program, Seeded};
use trace::wire::FenceCounts;

use crate::{
    calibration::Calibration,
    events::Events,
    executor::TargetExecutor,
    finding::{Finding, Key},
    input::Case,
    leaks,
    mutation::ProgramGenerator,
    session::{Leaks, Session},
    strategy::Strategy,
    target::Target,
    triage::{self, Suspect},
    wiring::{self, Fuzzer, Manager, State},
};

/// How far a campaign goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// So many programs. A campaign bounded like this is repeated exactly by its seed.
    Programs(u64),
    /// So much real time.
    Time(Duration),
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// How to search.
    pub strategy: Strategy,
    /// Seeds the random numbers.
    pub seed: u64,
    /// How far to go.
    pub bound: Bound,
    /// Programs to begin with, in this order.
    pub seeds: Vec<Program>,
    /// What programs are made for.
    pub driver: Driver,
    /// What the judge may expect of the driver.
    pub expectation: Expectation,
    /// What is there already.
    pub resumed: Resumed,
    /// Programs that all instances of the campaign ran, this one among them: what [`Bound::Programs`] bounds.
    pub ran: Arc<AtomicU64>,
    /// Stop when so many findings were made.
    pub stop_after: Option<usize>,
    /// Most programs that minimising one finding may run.
    pub minimise_budget: u32,
    /// Let the kernel look for leaked memory now and then. It must have kmemleak on.
    pub leak_checks: bool,
}

/// What an earlier part of a campaign left. None of it counts as programs of this part.
#[derive(Clone, Debug, Default)]
pub struct Resumed {
    /// Programs that were worth keeping.
    pub corpus: Vec<Program>,
    /// Programs that broke something and whose triage did not come to its end.
    pub suspects: Vec<Program>,
    /// Findings that need no second one.
    pub known: Vec<Key>,
}

impl Campaign {
    fn maker(&self) -> ProgramGenerator {
        ProgramGenerator {
            driver: self.driver,
            profile: self.profile(),
            strategy: self.strategy,
        }
    }

    /// What this campaign's seed prefers among the operations.
    pub fn profile(&self) -> Profile {
        let profile = Profile::of(self.driver);
        match self.strategy {
            Strategy::Search => profile.tempered(&mut Seeded::new(self.seed)),
            _ => profile,
        }
    }

    fn leaks(&self) -> Leaks {
        if self.leak_checks {
            Leaks::Collected
        } else {
            Leaks::Ignored
        }
    }
}

/// Counts of a campaign so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Programs that the search ran. Replays, calibration and minimisation are not among them.
    pub programs: u64,
    /// Operations of those that returned.
    pub operations: u64,
    /// Seconds that the search took, without triage.
    pub seconds: f64,
    /// Seconds that replays and minimisation took.
    pub triage_seconds: f64,
    /// Cells of the coverage map that were ever hit.
    pub coverage: usize,
    /// Programs in the corpus.
    pub corpus: usize,
    /// Corpus entries that were run a second time and compared.
    pub repeated: u64,
    /// Of those, the ones whose trace was different the second time, while fresh boots agree.
    pub history_dependent: u64,
    /// Fence totals.
    pub fences: FenceCounts,
    /// Boots of the target.
    pub boots: u64,
    /// Findings made.
    pub findings: usize,
    /// When the contract was first seen broken, if it was.
    pub first: Option<Sighting>,
}

/// A point of a campaign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// Programs run by then, the one that is meant among them.
    pub programs: u64,
    /// Seconds of search by then, boots among them.
    pub seconds: f64,
}

impl Stats {
    /// Programs a second of search.
    pub fn programs_per_s(&self) -> f64 {
        rate(self.programs, self.seconds)
    }

    /// Operations a second of search.
    pub fn operations_per_s(&self) -> f64 {
        rate(self.operations, self.seconds)
    }
}

fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

/// Why a campaign ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It ran as far as it was asked to.
    Bound,
    /// It found as much as it was asked to.
    Found,
    /// Someone interrupted it.
    Interrupted,
}

/// What a campaign came to.
#[derive(Debug)]
pub struct Outcome {
    /// Its counts.
    pub stats: Stats,
    /// Its findings, in order of discovery.
    pub findings: Vec<Finding>,
    /// Why it ended.
    pub ended: Ended,
}

/// Programs made from nothing after the seeds ran, so that the search does not hang on what the seeds' authors thought of.
const GENERATED: usize = 32;

/// Runs a campaign to its end.
pub fn campaign(
    campaign: &Campaign,
    target: &mut dyn Target,
    events: &mut dyn Events,
) -> Result<Outcome> {
    let (state, mut fuzzer, observers) = wiring::search(campaign.strategy, campaign.seed)?;
    fuzzer
        .objective_mut()
        .learn(campaign.resumed.known.iter().cloned());
    let mut session = Session::new(target, campaign.expectation);
    session.set_leaks(campaign.leaks());
    let executor = TargetExecutor::new(session, events, observers, campaign);
    let search = Search {
        campaign,
        state,
        fuzzer,
        executor,
        calibration: Calibration::default(),
        solved: 0,
        findings: Vec::new(),
    };
    search.run()
}

struct Search<'t> {
    campaign: &'t Campaign,
    state: State,
    fuzzer: Fuzzer,
    executor: TargetExecutor<'t>,
    calibration: Calibration,
    /// LibAFL's solutions that triage has seen.
    solved: usize,
    findings: Vec<Finding>,
}

/// What LibAFL says when the executor refuses to go on is no error.
enum Step {
    Next,
    End,
}

impl Search<'_> {
    fn run(mut self) -> Result<Outcome> {
        self.search()?;
        let ended = self.executor.ended(&self.state).unwrap_or(Ended::Bound);
        let mut stats = self.executor.stats;
        stats.findings = self.findings.len();
        Ok(Outcome {
            stats,
            findings: self.findings,
            ended,
        })
    }

    /// What is there already, seeds, then what the strategy makes of them.
    fn search(&mut self) -> Result<()> {
        let Resumed {
            corpus, suspects, ..
        } = &self.campaign.resumed;
        for programs in [suspects, corpus] {
            if let Step::End = self.read(programs.clone())? {
                return Ok(());
            }
        }
        for program in &self.campaign.seeds {
            if let Step::End = self.evaluate(Case(program.clone()))? {
                return Ok(());
            }
        }
        match self.campaign.strategy {
            Strategy::Seeds => self.scan_for_leaks(),
            Strategy::Generate => self.generate(usize::MAX).map(drop),
            Strategy::Search | Strategy::Blind => match self.generate(GENERATED)? {
                Step::Next => self.mutate(),
                Step::End => Ok(()),
            },
        }
    }

    /// Learns from programs that somebody ran before; they do not count.
    fn read(&mut self, programs: Vec<Program>) -> Result<Step> {
        for program in programs {
            self.executor.counts = false;
            let step = self.evaluate(Case(program.clone()));
            self.executor.counts = true;
            if let Step::End = step? {
                return Ok(Step::End);
            }
            self.executor.events.settled(&program)?;
        }
        Ok(Step::Next)
    }

    /// So many programs made from nothing.
    fn generate(&mut self, count: usize) -> Result<Step> {
        let mut maker = self.campaign.maker();
        for _ in 0..count {
            let case = maker.generate(&mut self.state)?;
            if let Step::End = self.evaluate(case)? {
                return Ok(Step::End);
            }
        }
        Ok(Step::Next)
    }

    fn evaluate(&mut self, case: Case) -> Result<Step> {
        let Search {
            fuzzer,
            state,
            executor,
            ..
        } = self;
        let result = fuzzer.evaluate_filtered(state, executor, &mut manager(), &case);
        self.settle(result.map(drop))
    }

    fn mutate(&mut self) -> Result<()> {
        let mut stages = wiring::stages(self.campaign.maker(), Rc::clone(&self.executor.operands));
        ensure!(
            self.state.corpus().count() > 0,
            "no program showed anything new: does the kernel have KCOV and the fence ledger?"
        );
        loop {
            let Search {
                fuzzer,
                state,
                executor,
                ..
            } = self;
            let result = fuzzer.fuzz_one(&mut stages, executor, state, &mut manager());
            if let Step::End = self.settle(result.map(drop))? {
                return Ok(());
            }
            let others = self.executor.events.others();
            if let Step::End = self.read(others)? {
                return Ok(());
            }
        }
    }

    /// Looks at what the last programs left: new corpus entries are calibrated, new solutions go through triage.
    fn settle(&mut self, result: Result<(), Error>) -> Result<Step> {
        if let Some(failure) = self.executor.failure.take() {
            return Err(failure);
        }
        let step = match result {
            Ok(()) => Step::Next,
            Err(Error::ShuttingDown) => Step::End,
            Err(error) => return Err(error.into()),
        };
        self.executor.tell(&self.state)?;
        let mut suspects = triage::solutions(&self.state, self.solved)?;
        self.solved += suspects.len();
        suspects.extend(self.differing()?);
        for suspect in suspects {
            self.triage(&suspect)?;
            self.executor.events.settled(&suspect.program)?;
        }
        self.check_leaks(&step)?;
        self.executor.stats.corpus = self.state.corpus().count();
        Ok(step)
    }

    /// Corpus entries whose trace was different the second time, in a way not seen before, and not only because of what
    /// ran in between: what is promised is that fresh boots agree.
    fn differing(&mut self) -> Result<Vec<Suspect>> {
        let mut suspects = Vec::new();
        for suspect in self.calibration.check(&self.state, &mut self.executor)? {
            if self.fuzzer.objective().knows(&suspect.key) {
                continue;
            }
            if triage::fresh_boots_agree(&mut self.executor.session, &suspect.program)? {
                self.executor.stats.history_dependent += 1;
            } else {
                self.fuzzer.objective_mut().learn([suspect.key.clone()]);
                suspects.push(suspect);
            }
        }
        self.executor.unsolved += suspects.len();
        Ok(suspects)
    }

    /// Looks for leaks when enough programs ran, and at the end.
    fn check_leaks(&mut self, step: &Step) -> Result<()> {
        let ran = self.executor.session.unscanned().len();
        if ran < leaks::INTERVAL && matches!(step, Step::Next) {
            return Ok(());
        }
        self.scan_for_leaks()
    }

    fn scan_for_leaks(&mut self) -> Result<()> {
        if self.executor.session.unscanned().is_empty() {
            return Ok(());
        }
        let oracle = self.fuzzer.objective();
        let found = leaks::suspect(&mut self.executor.session, &|key| oracle.knows(key))?;
        if let Some(suspect) = found {
            self.executor.unsolved += 1;
            self.fuzzer.objective_mut().learn([suspect.key.clone()]);
            self.triage(&suspect)?;
        }
        Ok(())
    }

    fn triage(&mut self, suspect: &Suspect) -> Result<()> {
        if !self.executor.events.claim(&suspect.key) {
            return Ok(());
        }
        let begin = Instant::now();
        self.executor.events.suspect(&suspect.key);
        let budget = self.campaign.minimise_budget;
        let finding = triage::triage(&mut self.executor.session, suspect, budget)?;
        self.executor.session.set_leaks(self.campaign.leaks());
        if finding.key != suspect.key && !self.executor.events.claim(&finding.key) {
            return Ok(());
        }
        // What the minimised program shows beside it is the same story, and needs no finding of its own.
        self.fuzzer
            .objective_mut()
            .learn(finding.violations.iter().map(Key::of));
        self.executor.events.finding(&finding)?;
        self.findings.push(finding);
        self.executor.stats.findings = self.findings.len();
        self.executor.stats.triage_seconds += begin.elapsed().as_secs_f64();
        Ok(())
    }
}

fn manager() -> Manager {
    NopEventManager::new()
}
