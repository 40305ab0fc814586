//! I18: STREAMOFF, REQBUFS and close leave no pending fence of the queue behind.

use program::Op;

use super::{Case, name, seen};
use crate::invariant::Invariant::I18;
use crate::violation::Violation;
use crate::world::fence::Fence;
use crate::world::sight::Drain;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    case.world
        .sights
        .drains
        .iter()
        .flat_map(|drain| left(case, drain))
        .collect()
}

fn left(case: &Case, drain: &Drain) -> Vec<Violation> {
    let pending = case
        .world
        .fences
        .iter()
        .filter(|fence| fence.unsignalled_in(&drain.span));
    pending
        .filter_map(|fence| of_queue(case, drain, fence))
        .collect()
}

fn of_queue(case: &Case, drain: &Drain, fence: &Fence) -> Option<Violation> {
    let span = &drain.span;
    let mut attaches = fence
        .attaches
        .iter()
        .filter(|attach| attach.place == Some(drain.place));
    // While another call runs on the file, a job may start behind the one that drains.
    let attach = attaches.find(|attach| {
        span.surely_after(attach.at)
            || (drain.alone && !span.is_async() && attach.at.index < span.event)
    })?;
    let call = match span.op.and_then(|op| case.world.op(op)) {
        Some(Op::Streamoff { .. }) => "STREAMOFF",
        Some(Op::Reqbufs { .. }) => "REQBUFS",
        _ => "close",
    };
    let expected = format!(
        "{call} leaves no pending fence on the queue of {}",
        name(attach.buffer)
    );
    let observed = format!("{call} returned while the fence was pending");
    Some(seen(I18, span, Some(fence.id), expected, observed))
}
