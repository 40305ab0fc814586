//! Every new corpus entry is run again on the same kernel and must leave the same trace, byte for byte.
//!
//! Determinism is what all else rests on: a finding can be replayed and minimised only because nothing but the program
//! decides what happens. A difference is therefore looked into on fresh boots: if those differ too, it is a finding against
//! the lab itself. If they agree, something that ran earlier in the same boot had a hand in it, and it is counted.

use anyhow::{Context, Result};
use libafl::{
    HasMetadata,
    corpus::{Corpus, CorpusId},
    state::HasCorpus,
};
use trace::{Event, Trace};

use crate::{
    executor::TargetExecutor, finding::Key, input::Case, oracle::FirstRun, session::Leaks,
    triage::Suspect, wiring::State,
};

/// Knows which corpus entries were calibrated.
#[derive(Debug, Default)]
pub(crate) struct Calibration {
    last: Option<CorpusId>,
}

impl Calibration {
    /// Runs every entry that is new since the last call, and gives those whose trace differs.
    pub(crate) fn check(
        &mut self,
        state: &State,
        executor: &mut TargetExecutor<'_>,
    ) -> Result<Vec<Suspect>> {
        let mut suspects = Vec::new();
        while let Some(id) = self.next(state) {
            suspects.extend(compare(state, executor, id)?);
            self.last = Some(id);
        }
        Ok(suspects)
    }

    fn next(&self, state: &State) -> Option<CorpusId> {
        match self.last {
            Some(last) => state.corpus().next(last),
            None => state.corpus().first(),
        }
    }
}

fn compare(
    state: &State,
    executor: &mut TargetExecutor<'_>,
    id: CorpusId,
) -> Result<Option<Suspect>> {
    let case = state.corpus().cloned_input_for_id(id)?;
    let mut testcase = state.corpus().get(id)?.borrow_mut();
    let first = testcase.metadata_map_mut().remove::<FirstRun>();
    let FirstRun {
        trace: first,
        reached,
    } = *first.context("a corpus entry came without its trace")?;
    if !executor.counts {
        // Whoever ran it first has done this.
        return Ok(None);
    }
    let again = executor.session.observe(&case.0, true)?;
    executor.stats.repeated += 1;
    if reached {
        study(executor, &case)?;
    }
    Ok((again.trace != first).then(|| Suspect {
        key: Key::nondeterministic(&difference(&first, &again.trace)),
        program: case.0,
        trace: first,
        other_trace: Some(again.trace),
        leaks: Leaks::Ignored,
    }))
}

/// Looks closely at a program that went where none had been: others go through the same places.
fn study(executor: &mut TargetExecutor<'_>, case: &Case) -> Result<()> {
    let Some(study) = executor.session.study(&case.0)? else {
        return Ok(());
    };
    let mut operands = executor.operands.borrow_mut();
    operands.learn(&case.0, &study.compared);
    drop(operands);
    executor.events.studied(&case.0, &study)
}

/// What differs first, in words that do not depend on the program.
pub(crate) fn difference(one: &Trace, other: &Trace) -> String {
    let pairs = one.events.iter().zip(&other.events);
    match pairs.into_iter().find(|(one, other)| one != other) {
        Some((one, other)) if kind(one) == kind(other) => format!("a {} differs", kind(one)),
        Some((one, other)) => format!("a {} where a {} was", kind(other), kind(one)),
        None => "one trace is longer".to_string(),
    }
}

fn kind(event: &Event) -> &'static str {
    match event {
        Event::Begin { .. } => "begin of an asynchronous call",
        Event::Call(_) => "call",
        Event::Ledger(_) => "ledger record",
        Event::LedgerLost { .. } => "ledger overrun",
        Event::Look(_) => "look",
        Event::Log { .. } => "log line",
        Event::Mark { .. } => "mark",
        Event::Stuck { .. } => "stuck call",
        Event::Fault { .. } => "failed allocation",
        Event::Died { .. } => "death",
    }
}
