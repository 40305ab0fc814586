//! I24: QBUF and STREAMON do not wait for fences.
//!
//! Time stands still while code runs, so a call that took time has waited. Others may hold what it needs, if they wait
//! themselves; and a job that is completed inside the call takes the time that the job takes.

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
    let mut flying = 0_u32;
    let mut violations = Vec::new();
    for (index, event) in case.world.trace.events.iter().enumerate() {
        match event {
            Event::Begin { .. } => flying += 1,
            Event::Call(call) if is_async(program, call.op) => flying = flying.saturating_sub(1),
            Event::Call(call) if flying == 0 => violations.extend(waited(case, index, call)),
            _ => {}
        }
    }
    violations
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
