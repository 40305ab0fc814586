//! From a suspect to a finding: three replays on fresh boots, then minimisation on the target.

use anyhow::Result;
use judge::Violation;
use libafl::{HasMetadata, corpus::Corpus, state::HasSolutions};
use program::Program;
use trace::Trace;

use crate::{
    finding::{self, Finding, Key},
    oracle::Offence,
    session::{Leaks, Run, Session},
    wiring::State,
};

/// Replays on fresh boots that must all show a finding before it counts as one that repeats.
pub const REPLAYS: u32 = 3;

/// A program that seemed to break the contract.
#[derive(Clone, Debug)]
pub struct Suspect {
    /// What it broke.
    pub key: Key,
    /// The program.
    pub program: Program,
    /// What was observed.
    pub trace: Trace,
    /// If that was different the second time: what was observed then.
    pub other_trace: Option<Trace>,
    /// Whether it takes a scan for leaks to see it.
    pub leaks: Leaks,
}

impl Suspect {
    /// A trace that did not repeat shows that again by being different once more.
    fn shows_again(&self, run: &Run) -> bool {
        match self.other_trace {
            Some(_) => run.trace != self.trace,
            None => run.shows(&self.key),
        }
    }
}

/// LibAFL's solutions from the `known`-th on.
pub(crate) fn solutions(state: &State, known: usize) -> Result<Vec<Suspect>> {
    let solutions = state.solutions();
    let ids: Vec<_> = solutions.ids().skip(known).collect();
    let suspect = |id| {
        let testcase = solutions.get(id)?.borrow();
        let offence = testcase.metadata::<Offence>()?;
        let case = testcase.input().as_ref().expect("solutions stay in memory");
        Ok(Suspect {
            key: offence.key.clone(),
            program: case.0.clone(),
            trace: offence.trace.clone(),
            other_trace: None,
            leaks: Leaks::Ignored,
        })
    };
    ids.into_iter().map(suspect).collect()
}

/// Replays a suspect and, if it repeats, minimises it with at most `budget` runs. What a kernel complains about first can
/// depend on what it ran before: if fresh boots agree on another violation, that is the finding.
pub fn triage(session: &mut Session<'_>, suspect: &Suspect, budget: u32) -> Result<Finding> {
    session.set_leaks(suspect.leaks);
    let replays = replay(session, &suspect.program)?;
    let reproduced = replays
        .iter()
        .filter(|run| suspect.shows_again(run))
        .count() as u32;
    if suspect.other_trace.is_none() {
        if reproduced == REPLAYS {
            return minimise(session, suspect, budget);
        }
        if let Some((key, trace)) = agreed(&replays) {
            let suspect = Suspect {
                key,
                trace,
                ..suspect.clone()
            };
            return minimise(session, &suspect, budget);
        }
    }
    let violations = session.judge(&suspect.program, &suspect.trace);
    Ok(unrepeated(suspect, reproduced, replays, violations))
}

/// The first violation that all runs show, and a trace of it.
fn agreed(runs: &[Run]) -> Option<(Key, Trace)> {
    let (first, others) = runs.split_first()?;
    let mut keys = first.violations.iter().map(Key::of);
    let key = keys.find(|key| others.iter().all(|run| run.shows(key)))?;
    Some((key, first.trace.clone()))
}

/// True if the program leaves the same trace on every fresh boot.
pub(crate) fn fresh_boots_agree(session: &mut Session<'_>, program: &Program) -> Result<bool> {
    let replays = replay(session, program)?;
    Ok(replays
        .windows(2)
        .all(|pair| pair[0].trace == pair[1].trace))
}

fn replay(session: &mut Session<'_>, program: &Program) -> Result<Vec<Run>> {
    (0..REPLAYS)
        .map(|_| session.observe_afresh(program))
        .collect()
}

/// What did not show every time is a finding against determinism, with two different traces where there are any.
fn unrepeated(
    suspect: &Suspect,
    reproduced: u32,
    replays: Vec<Run>,
    violations: Vec<Violation>,
) -> Finding {
    let different = replays
        .into_iter()
        .map(|run| run.trace)
        .find(|trace| *trace != suspect.trace);
    Finding {
        key: suspect.key.clone(),
        exit_code: finding::NOT_REPEATED,
        reproduced,
        program: suspect.program.clone(),
        original: suspect.program.clone(),
        trace: suspect.trace.clone(),
        other_trace: suspect.other_trace.clone().or(different),
        violations,
        leaks: suspect.leaks == Leaks::Told,
        minimised_in: 0,
    }
}

fn minimise(session: &mut Session<'_>, suspect: &Suspect, budget: u32) -> Result<Finding> {
    let mut shrinking = Shrinking {
        session,
        key: &suspect.key,
        budget,
        runs: 0,
        failure: None,
    };
    let small = program::minimise(&suspect.program, &mut |candidate| {
        shrinking.shows(candidate)
    });
    let Shrinking { runs, failure, .. } = shrinking;
    failure.map_or(Ok(()), Err)?;
    // The last word has a fresh boot. Should the small program not show it there, the original one does.
    let (program, run) = match session.observe_afresh(&small)? {
        run if run.shows(&suspect.key) => (small, run),
        _ => (
            suspect.program.clone(),
            session.observe_afresh(&suspect.program)?,
        ),
    };
    Ok(Finding {
        key: suspect.key.clone(),
        exit_code: finding::class(&suspect.key, &run.violations),
        reproduced: REPLAYS,
        program,
        original: suspect.program.clone(),
        trace: run.trace,
        other_trace: None,
        violations: run.violations,
        leaks: suspect.leaks == Leaks::Told,
        minimised_in: runs,
    })
}

/// Minimisation's question to the target.
struct Shrinking<'s, 't> {
    session: &'s mut Session<'t>,
    key: &'s Key,
    budget: u32,
    runs: u32,
    failure: Option<anyhow::Error>,
}

impl Shrinking<'_, '_> {
    /// An error of the target ends the search, and so does the end of the budget: no further candidate is run then.
    fn shows(&mut self, candidate: &Program) -> bool {
        if self.failure.is_some() || self.runs >= self.budget {
            return false;
        }
        self.runs += 1;
        match self.session.observe(candidate, false) {
            Ok(run) => run.shows(self.key),
            Err(error) => {
                self.failure = Some(error);
                false
            }
        }
    }
}
