//! Observers: where a run's coverage, states and verdict lie while LibAFL looks at them.

use std::borrow::Cow;

use libafl::observers::{
    HitcountsMapObserver, ListObserver, MapObserver, Observer, StdMapObserver,
};
use libafl_bolts::{
    Named,
    ownedref::OwnedMutPtr,
    tuples::{tuple_list, tuple_list_type},
};
use program::Program;
use serde::{Deserialize, Serialize};
use trace::wire::COVERAGE_CELLS;

use crate::session::Run;

/// KCOV's folded map, hit counts in LibAFL's classes.
pub(crate) type CoverageObserver = HitcountsMapObserver<StdMapObserver<'static, u8, false>>;

/// Features of the states that the model went through.
pub(crate) type StateObserver = ListObserver<u64>;

/// All of them.
pub(crate) type Observers = tuple_list_type!(CoverageObserver, StateObserver, RunObserver);

/// Empty observers, in the order of [`Observers`].
pub(crate) fn observers() -> Observers {
    let map = StdMapObserver::owned("coverage", vec![0; COVERAGE_CELLS]);
    let states = ListObserver::new("states", OwnedMutPtr::Owned(Box::default()));
    tuple_list!(
        HitcountsMapObserver::new(map),
        states,
        RunObserver::default()
    )
}

/// Puts a run where the feedbacks look for it, and whether it reached a cell that none before it did. LibAFL has cleared
/// map and list before.
pub(crate) fn fill(observers: &mut Observers, program: &Program, run: Run, reached: bool) {
    let (coverage, (states, (last, ()))) = observers;
    for (cell, count) in &run.coverage {
        coverage.set(usize::from(*cell), *count);
    }
    states
        .list_mut()
        .extend(judge::features(program, &run.trace));
    last.run = run;
    last.reached = reached;
}

/// The last run itself: trace and verdict.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct RunObserver {
    /// The observer stays in the process: nothing of the run is sent anywhere.
    #[serde(skip)]
    pub(crate) run: Run,
    /// Whether it reached a cell of coverage that was never reached before.
    pub(crate) reached: bool,
}

impl<I, S> Observer<I, S> for RunObserver {}

impl Named for RunObserver {
    fn name(&self) -> &Cow<'static, str> {
        &Cow::Borrowed("run")
    }
}
