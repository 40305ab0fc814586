//! LibAFL's executor: runs a program on the target, fills the observers, keeps the campaign's counts and bounds.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use libafl::{
    Error,
    corpus::{Corpus, CorpusId},
    executors::{Executor, ExitKind, HasObservers},
    state::{HasCorpus, HasExecutions, HasSolutions},
};
use libafl_bolts::tuples::RefIndexable;
use program::{Operands, Program};
use trace::{
    Event,
    wire::{COVERAGE_CELLS, FenceCounts},
};

use crate::{
    campaign::{Bound, Campaign, Ended, Sighting, Stats},
    events::Events,
    input::Case,
    observation::{self, Observers},
    session::{Run, Session},
    wiring::{Fuzzer, Manager, State},
};

/// Runs programs until one of the campaign's bounds is reached; then it tells LibAFL to shut down.
pub(crate) struct TargetExecutor<'t> {
    pub(crate) session: Session<'t>,
    pub(crate) events: &'t mut dyn Events,
    pub(crate) stats: Stats,
    /// Findings that were no solution of LibAFL's: traces that did not repeat, and leaks.
    pub(crate) unsolved: usize,
    /// An error of the target, which LibAFL's own error type cannot carry.
    pub(crate) failure: Option<anyhow::Error>,
    /// What the kernel compared with the numbers of the corpus.
    pub(crate) operands: Rc<RefCell<Operands>>,
    /// Whether programs count: those that somebody ran before do not.
    pub(crate) counts: bool,
    observers: Observers,
    /// Which cells of coverage were ever reached.
    covered: Box<[bool]>,
    ran: Arc<AtomicU64>,
    /// The last entry of the corpus, and the last solution, that was told of.
    told: [Option<CorpusId>; 2],
    bound: Bound,
    stop_after: Option<usize>,
    started: Instant,
}

impl<'t> TargetExecutor<'t> {
    pub(crate) fn new(
        session: Session<'t>,
        events: &'t mut dyn Events,
        observers: Observers,
        campaign: &Campaign,
    ) -> Self {
        TargetExecutor {
            session,
            events,
            stats: Stats::default(),
            unsolved: 0,
            failure: None,
            observers,
            operands: Rc::default(),
            counts: true,
            covered: vec![false; COVERAGE_CELLS].into(),
            ran: Arc::clone(&campaign.ran),
            told: [None; 2],
            bound: campaign.bound,
            stop_after: campaign.stop_after,
            started: Instant::now(),
        }
    }

    /// Why no further program may run, if that is so.
    pub(crate) fn ended(&self, state: &State) -> Option<Ended> {
        let found = state.solutions().count() + self.unsolved;
        let bound = match self.bound {
            Bound::Programs(count) => self.ran.load(Ordering::Relaxed) >= count,
            Bound::Time(time) => self.started.elapsed() >= time,
        };
        if self.stop_after.is_some_and(|most| found >= most) {
            Some(Ended::Found)
        } else if self.events.interrupted() {
            Some(Ended::Interrupted)
        } else {
            bound.then_some(Ended::Bound)
        }
    }

    /// Takes one of the programs that the bound allows; false if another instance took the last one.
    fn take(&self) -> bool {
        let before = self.ran.fetch_add(1, Ordering::Relaxed);
        match self.bound {
            Bound::Programs(count) => before < count,
            Bound::Time(_) => true,
        }
    }

    /// Tells of what came into corpus and solutions since the last time.
    pub(crate) fn tell(&mut self, state: &State) -> anyhow::Result<()> {
        let [kept, broke] = &mut self.told;
        while let Some((id, program)) = following(state.corpus(), *kept)? {
            self.events.kept(&program)?;
            *kept = Some(id);
        }
        while let Some((id, program)) = following(state.solutions(), *broke)? {
            self.events.broke(&program)?;
            *broke = Some(id);
        }
        Ok(())
    }

    fn count(&mut self, run: &Run) {
        let calls = run
            .trace
            .events
            .iter()
            .filter(|event| matches!(event, Event::Call(_)));
        self.stats.programs += 1;
        self.stats.operations += calls.count() as u64;
        add(&mut self.stats.fences, run.fences);
        self.stats.seconds = self.started.elapsed().as_secs_f64() - self.stats.triage_seconds;
        if self.stats.first.is_none() && !run.violations.is_empty() {
            self.stats.first = Some(Sighting {
                programs: self.stats.programs,
                seconds: self.stats.seconds,
            });
        }
    }

    /// What is taken note of whether or not the program counts. Tells whether it reached a new cell.
    fn note(&mut self, case: &Case, run: &Run) -> bool {
        let cells = run.coverage.iter().map(|(cell, _)| *cell);
        let mut known = |cell: u16| std::mem::replace(&mut self.covered[usize::from(cell)], true);
        let new: Vec<_> = cells.filter(|cell| !known(*cell)).collect();
        if !new.is_empty() {
            self.events.reached(&new);
        }
        self.stats.coverage += new.len();
        self.stats.boots = self.session.boots();
        self.events.ran(&case.0, run);
        !new.is_empty()
    }

    fn observe(&mut self, case: &Case) -> Result<Run, Error> {
        let observed = self.session.observe(&case.0, true);
        observed.map_err(|error| self.fail(error))
    }

    fn fail(&mut self, failure: anyhow::Error) -> Error {
        self.failure = Some(failure);
        Error::shutting_down()
    }
}

/// The entry that came after `last`, or the first one.
fn following(
    corpus: &impl Corpus<Case>,
    last: Option<CorpusId>,
) -> Result<Option<(CorpusId, Program)>, Error> {
    let id = last.map_or_else(|| corpus.first(), |last| corpus.next(last));
    id.map(|id| Ok((id, corpus.cloned_input_for_id(id)?.0)))
        .transpose()
}

fn add(total: &mut FenceCounts, run: FenceCounts) {
    total.attached += run.attached;
    total.signalled += run.signalled;
    total.destroyed += run.destroyed;
    total.pending += run.pending;
}

impl<'t> Executor<Manager, Case, State, Fuzzer> for TargetExecutor<'t> {
    fn run_target(
        &mut self,
        _fuzzer: &mut Fuzzer,
        state: &mut State,
        _manager: &mut Manager,
        case: &Case,
    ) -> Result<ExitKind, Error> {
        if let Err(failure) = self.tell(state) {
            return Err(self.fail(failure));
        }
        if self.ended(state).is_some() || (self.counts && !self.take()) {
            return Err(Error::shutting_down());
        }
        *state.executions_mut() += 1;
        let run = self.observe(case)?;
        let reached = self.note(case, &run);
        if self.counts {
            self.count(&run);
        }
        self.events.progress(&self.stats);
        let kind = if run.violations.is_empty() {
            ExitKind::Ok
        } else {
            ExitKind::Crash
        };
        observation::fill(&mut self.observers, &case.0, run, reached);
        Ok(kind)
    }
}

impl HasObservers for TargetExecutor<'_> {
    type Observers = Observers;

    fn observers(&self) -> RefIndexable<&Observers, Observers> {
        RefIndexable::from(&self.observers)
    }

    fn observers_mut(&mut self) -> RefIndexable<&mut Observers, Observers> {
        RefIndexable::from(&mut self.observers)
    }
}
