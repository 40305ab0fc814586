//! Feedbacks of our own: the judge as LibAFL's objective, and the trace that a new corpus entry is checked against.

use std::{borrow::Cow, collections::HashSet};

use libafl::{
    Error, HasMetadata,
    corpus::Testcase,
    executors::ExitKind,
    feedbacks::{Feedback, StateInitializer},
};
use libafl_bolts::{Named, SerdeAny, tuples::MatchFirstType};
use serde::{Deserialize, Serialize};
use trace::Trace;

use crate::{
    finding::Key,
    input::Case,
    observation::{Observers, RunObserver},
    session::Run,
};

/// Takes a run for a solution if it breaks the contract in a way not seen before.
#[derive(Debug, Default)]
pub(crate) struct OracleFeedback {
    seen: HashSet<Key>,
    new: Option<Key>,
}

/// What made a solution one, beside its program.
#[derive(Clone, Debug, Serialize, Deserialize, SerdeAny)]
pub(crate) struct Offence {
    /// The first violation that was new.
    pub(crate) key: Key,
    /// What was observed.
    pub(crate) trace: Trace,
}

impl OracleFeedback {
    /// Takes note of what needs no search of its own; true if any of it was new.
    pub(crate) fn learn(&mut self, keys: impl IntoIterator<Item = Key>) -> bool {
        keys.into_iter()
            .fold(false, |new, key| self.seen.insert(key) | new)
    }

    /// True if this was seen before.
    pub(crate) fn knows(&self, key: &Key) -> bool {
        self.seen.contains(key)
    }
}

impl Named for OracleFeedback {
    fn name(&self) -> &Cow<'static, str> {
        &Cow::Borrowed("oracle")
    }
}

impl<S> StateInitializer<S> for OracleFeedback {}

impl<EM, S> Feedback<EM, Case, Observers, S> for OracleFeedback {
    fn is_interesting(
        &mut self,
        _state: &mut S,
        _manager: &mut EM,
        _input: &Case,
        observers: &Observers,
        _exit_kind: &ExitKind,
    ) -> Result<bool, Error> {
        let keys = run_of(observers).violations.iter().map(Key::of);
        self.new = keys.into_iter().find(|key| !self.seen.contains(key));
        self.seen.extend(self.new.clone());
        Ok(self.new.is_some())
    }

    fn append_metadata(
        &mut self,
        _state: &mut S,
        _manager: &mut EM,
        observers: &Observers,
        testcase: &mut Testcase<Case>,
    ) -> Result<(), Error> {
        if let Some(key) = self.new.take() {
            testcase.add_metadata(Offence {
                key,
                trace: run_of(observers).trace.clone(),
            });
        }
        Ok(())
    }
}

/// Never interested itself: leaves the trace with every new corpus entry until calibration has compared it.
#[derive(Debug, Default)]
pub(crate) struct MemoryFeedback;

/// What a corpus entry's first run showed.
#[derive(Clone, Debug, Serialize, Deserialize, SerdeAny)]
pub(crate) struct FirstRun {
    /// What was observed.
    pub(crate) trace: Trace,
    /// Whether it went where no program had been.
    pub(crate) reached: bool,
}

impl Named for MemoryFeedback {
    fn name(&self) -> &Cow<'static, str> {
        &Cow::Borrowed("memory")
    }
}

impl<S> StateInitializer<S> for MemoryFeedback {}

impl<EM, S> Feedback<EM, Case, Observers, S> for MemoryFeedback {
    fn append_metadata(
        &mut self,
        _state: &mut S,
        _manager: &mut EM,
        observers: &Observers,
        testcase: &mut Testcase<Case>,
    ) -> Result<(), Error> {
        let RunObserver { run, reached } = last(observers);
        testcase.add_metadata(FirstRun {
            trace: run.trace.clone(),
            reached: *reached,
        });
        Ok(())
    }
}

fn run_of(observers: &Observers) -> &Run {
    &last(observers).run
}

fn last(observers: &Observers) -> &RunObserver {
    let observer = observers.match_first_type::<RunObserver>();
    observer.expect("the observers hold a RunObserver by their type")
}
