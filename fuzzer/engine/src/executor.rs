//! LibAFL's executor: runs a program on the target, fills the observers, keeps the campaign's counts and bounds.

use std::{collections::BTreeSet, time::Instant};

use libafl::{
    Error,
    corpus::Corpus,
    executors::{Executor, ExitKind, HasObservers},
    state::{HasExecutions, HasSolutions},
};
use libafl_bolts::tuples::RefIndexable;
use trace::{Event, wire::FenceCounts};

use crate::{
    campaign::{Bound, Ended, Events, Sighting, Stats},
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
    observers: Observers,
    covered: BTreeSet<u16>,
    bound: Bound,
    stop_after: Option<usize>,
    started: Instant,
}

impl<'t> TargetExecutor<'t> {
    pub(crate) fn new(
        session: Session<'t>,
        events: &'t mut dyn Events,
        observers: Observers,
        bound: Bound,
        stop_after: Option<usize>,
    ) -> Self {
        TargetExecutor {
            session,
            events,
            stats: Stats::default(),
            unsolved: 0,
            failure: None,
            observers,
            covered: BTreeSet::new(),
            bound,
            stop_after,
            started: Instant::now(),
        }
    }

    /// Why no further program may run, if that is so.
    pub(crate) fn ended(&self, state: &State) -> Option<Ended> {
        let found = state.solutions().count() + self.unsolved;
        let bound = match self.bound {
            Bound::Programs(count) => self.stats.programs >= count,
            Bound::Time(time) => self.started.elapsed() >= time,
        };
        if self.events.interrupted() {
            Some(Ended::Interrupted)
        } else if self.stop_after.is_some_and(|most| found >= most) {
            Some(Ended::Found)
        } else {
            bound.then_some(Ended::Bound)
        }
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
        self.covered
            .extend(run.coverage.iter().map(|(cell, _)| cell));
        self.stats.coverage = self.covered.len();
        self.stats.boots = self.session.boots();
        self.stats.seconds = self.started.elapsed().as_secs_f64() - self.stats.triage_seconds;
        if self.stats.first.is_none() && !run.violations.is_empty() {
            self.stats.first = Some(Sighting {
                programs: self.stats.programs,
                seconds: self.stats.seconds,
            });
        }
    }

    fn observe(&mut self, case: &Case) -> Result<Run, Error> {
        self.session.observe(&case.0, true).map_err(|error| {
            self.failure = Some(error);
            Error::shutting_down()
        })
    }
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
        if self.ended(state).is_some() {
            return Err(Error::shutting_down());
        }
        *state.executions_mut() += 1;
        let run = self.observe(case)?;
        self.count(&run);
        self.events.progress(&self.stats);
        let kind = if run.violations.is_empty() {
            ExitKind::Ok
        } else {
            ExitKind::Crash
        };
        observation::fill(&mut self.observers, &case.0, run);
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
