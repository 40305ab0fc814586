//! I24: QBUF and STREAMON do not wait for fences.
//!
//! Time stands still while code runs, so a call that took time has waited. Others may hold what it needs, if they wait
//! themselves; and a job that is completed inside the call takes the time that the job takes.

use std::collections::HashMap;

use program::{Completion, Op};
use trace::{Call, Event};

use super::{Case, ms};
use crate::invariant::Invariant::I24;
use crate::violation::Violation;
use crate::world::span::is_async;

/// Longer than what a clock that stands still may show.
const MOST: u64 = 100_000;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let program = case.world.program;
    let inline = |op: &Op| {
        matches!(
            op,
            Op::Completion {
                context: Completion::Inline,
                ..
            }
        )
    };
    if !case.expectation.tells_jobs || program.steps.iter().any(|step| inline(&step.op)) {
        return Vec::new();
    }
    let others = others(case);
    let beside = |call: &Call| {
        let mut others = others.values();
        others.any(|(begin, end)| *begin <= call.end && call.start <= *end)
    };
    let events = case.world.trace.events.iter().enumerate();
    let calls = events.filter_map(|(index, event)| match event {
        Event::Call(call) if !is_async(program, call.op) && !beside(call) => Some((index, call)),
        _ => None,
    });
    calls
        .filter_map(|(index, call)| waited(case, index, call))
        .collect()
}

/// When the calls of other threads began and ended. The main thread may have to wait for a thread that sleeps.
fn others(case: &Case) -> HashMap<u16, (u64, u64)> {
    let mut others = HashMap::new();
    for event in &case.world.trace.events {
        match event {
            Event::Begin { op, time } => drop(others.insert(*op, (*time, u64::MAX))),
            Event::Call(call) => {
                if let Some((_, end)) = others.get_mut(&call.op) {
                    *end = call.end;
                }
            }
            _ => {}
        }
    }
    others
}

fn waited(case: &Case, event: usize, call: &Call) -> Option<Violation> {
    let what = match case.world.op(call.op)? {
        Op::Qbuf { .. } => "QBUF",
        Op::Streamon { .. } => "STREAMON",
        _ => return None,
    };
    let took = call.end.saturating_sub(call.start);
    (took > MOST).then(|| Violation {
        invariant: I24,
        op: Some(call.op),
        fence: None,
        expected: format!("{what} returns at once"),
        observed: format!("{what} took {}", ms(took)),
        event,
    })
}
