//! Whether a trace keeps the release-fence contract. No I/O.
//!
//! [`judge`] is a pure function of a program and its trace. It replays the trace through a small model of the world
//! (`world`) and asks one oracle an invariant (`oracle`) what it finds. An oracle that cannot be sure says nothing: where
//! asynchronous operations overlap, only what both orders agree on counts.

mod clue;
mod expectation;
mod invariant;
mod loss;
mod oracle;
mod state;
mod violation;
mod world;

use program::Program;
use trace::Trace;

pub use clue::{Clue, clue};
pub use expectation::Expectation;
pub use invariant::{Class, Invariant};
pub use loss::{Note, notes};
pub use model::{Difference, Story};
pub use state::{Visit, features, visits};
pub use violation::{Violation, to_json};

/// The violations that this trace of this program shows, by a driver that opts in; in order of observation;
/// differences to the reference model come last.
pub fn judge(program: &Program, trace: &Trace) -> Vec<Violation> {
    judge_with(&Expectation::default(), program, trace)
}

/// As [`judge`], with other expectations of the driver.
pub fn judge_with(expectation: &Expectation, program: &Program, trace: &Trace) -> Vec<Violation> {
    let program = &*model::resolved(program, trace);
    let world = world::World::replay(program, trace);
    let mut violations = oracle::run(expectation, &world);
    // A broken promise of the contract tells more than the wrong answers that may follow from it.
    let model = |violation: &Violation| violation.invariant.class() == Class::Model;
    violations.sort_by_key(|violation| (model(violation), violation.event, violation.invariant));
    violations
}

/// The calls of the trace compared with the reference model, as far as the expectation names a driver that it knows.
pub fn story(expectation: &Expectation, program: &Program, trace: &Trace) -> Story {
    resolved_story(expectation, &model::resolved(program, trace), trace)
}

fn resolved_story(expectation: &Expectation, program: &Program, trace: &Trace) -> Story {
    let driver = expectation.model;
    driver.map_or_else(Story::default, |driver| {
        model::follow(driver, program, trace)
    })
}
