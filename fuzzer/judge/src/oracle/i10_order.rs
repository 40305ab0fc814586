//! I10: a fence is signalled before its buffer is given back: afterwards userspace can dequeue it, queue it, and meet the
//! old fence.

use super::{Case, name};
use crate::invariant::Invariant::I10;
use crate::violation::Violation;
use crate::world::fence::Fence;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    case.world
        .fences
        .iter()
        .filter_map(|fence| late(case, fence))
        .collect()
}

fn late(case: &Case, fence: &Fence) -> Option<Violation> {
    let (attach, signal) = (fence.attaches.first()?, fence.signal()?);
    let (done, _) = case
        .world
        .buffers
        .get(attach.buffer)
        .done_after(attach.at.index)?;
    (signal.at.index > done.index).then(|| {
        let expected = format!(
            "the fence of {} is signalled before vb2_buf_done",
            name(attach.buffer)
        );
        let observed = "it was signalled after the buffer was given back".to_owned();
        case.recorded(I10, signal.at.index, fence.id, expected, observed)
    })
}
