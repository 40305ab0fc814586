//! I29: when a request is complete, the fences of its OUTPUT buffers are signalled. Nothing is said of CAPTURE buffers,
//! which are in no request, and which a driver may give back last.

use super::{Case, name, seen};
use crate::invariant::Invariant::I29;
use crate::violation::Violation;
use crate::world::fence::{Attach, Fence};
use crate::world::memory::Slot;
use crate::world::request::Completion;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let completions = case.world.sights.completions.iter();
    completions
        .flat_map(|completion| {
            let buffers = completion.buffers.iter();
            buffers.filter_map(|buffer| pending(case, completion, *buffer))
        })
        .collect()
}

/// The fence with which the buffer was armed for the request, if it is pending.
fn pending(case: &Case, completion: &Completion, slot: Slot) -> Option<Violation> {
    let (fence, attach) = first(case, completion, slot)?;
    let span = &completion.span;
    (span.surely_after(attach.at) && fence.unsignalled_in(span)).then(|| {
        let expected = format!(
            "the fence of {} is signalled when r{} is complete",
            name(attach.buffer),
            completion.request
        );
        let observed = "the request is complete, and the fence is pending".to_owned();
        seen(I29, span, Some(fence.id), expected, observed)
    })
}

/// What was attached first to the buffer after its request was queued. While it was in the request, nobody else could
/// queue it.
fn first<'a>(
    case: &'a Case,
    completion: &Completion,
    (place, index): Slot,
) -> Option<(&'a Fence, &'a Attach)> {
    let fences = case.world.fences.iter();
    let attaches =
        fences.flat_map(|fence| fence.attaches.iter().map(move |attach| (fence, attach)));
    let armed = attaches.filter(|(_, attach)| {
        attach.at.index >= completion.queued
            && attach.place == Some(place)
            && attach.buffer.index == index
    });
    armed.min_by_key(|(_, attach)| attach.at.index)
}
