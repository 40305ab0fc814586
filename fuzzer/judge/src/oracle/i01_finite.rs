//! I1: a pending fence is signalled in finite time without any further call.
//!
//! The bound counts from the arming, because jobs that were queued before may still run one after the other.

use trace::Mark;

use super::{Case, ms, name_or_none, seen};
use crate::invariant::Invariant::I1;
use crate::violation::Violation;
use crate::world::fence::Fence;
use crate::world::span::Moment;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let quiet = case.world.mark(Mark::Quiet);
    case.world
        .fences
        .iter()
        .filter_map(|fence| overdue(case, fence, quiet))
        .collect()
}

fn overdue(case: &Case, fence: &Fence, quiet: Option<Moment>) -> Option<Violation> {
    let born = fence.born()?;
    let armed = fence.attaches.first().map_or(born, |attach| attach.at);
    let signal = fence.signal().map(|signal| signal.at);
    let until = match (signal, quiet) {
        (Some(signal), Some(quiet)) if signal.time > quiet.time => quiet,
        (Some(signal), _) => signal,
        (None, quiet) => quiet?,
    };
    let waited = until.time.saturating_sub(armed.time);
    let bound = case.expectation.bound;
    let late = signal.is_some_and(|signal| signal == until) && waited > bound;
    let never = signal.is_none_or(|signal| signal != until) && waited >= bound;
    (late || never).then(|| {
        let outcome = if late {
            "it took"
        } else {
            "it is still pending after"
        };
        let mut violation = case.recorded(
            I1,
            until.index,
            fence.id,
            format!(
                "the fence of {} ends within {}",
                name_or_none(fence.buffer()),
                ms(bound)
            ),
            format!("{outcome} {}", ms(waited)),
        );
        violation.op = case.world.op_at(armed.index);
        violation
    })
}

/// Calls that wait for fences, or for nothing, and did not end.
pub(super) fn endless(case: &Case) -> Vec<Violation> {
    let bound = case.expectation.bound;
    let sights = &case.world.sights;
    let long = sights
        .timeouts
        .iter()
        .filter(|timeout| !timeout.foreign && timeout.span.duration() >= bound);
    let waits = long.map(|timeout| {
        let expected = format!("the fences of s{} end within {}", timeout.slot, ms(bound));
        let observed = format!("poll waited {} in vain", ms(timeout.span.duration()));
        seen(I1, &timeout.span, None, expected, observed)
    });
    let hung = sights.hung.iter().map(|hung| Violation {
        invariant: I1,
        op: hung.what.map(|_| hung.op),
        fence: None,
        expected: "the call returns in finite time".to_owned(),
        observed: match hung.what {
            Some(kind) => format!("{} never returned", kind.word()),
            None => "closing everything never returned".to_owned(),
        },
        event: hung.event,
    });
    waits.chain(hung).collect()
}
