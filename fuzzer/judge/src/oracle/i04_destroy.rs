//! I4: no fence is destroyed before it was signalled. The kernel itself is silent about it when nobody waits.

use super::{Case, name_or_none};
use crate::invariant::Invariant::I4;
use crate::violation::Violation;
use crate::world::fence::Fence;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    case.world
        .fences
        .iter()
        .filter_map(|fence| unsignalled(case, fence))
        .collect()
}

fn unsignalled(case: &Case, fence: &Fence) -> Option<Violation> {
    fence.born()?;
    let died = fence.destroys.first()?;
    (!fence.signalled_before(died.index)).then(|| {
        let buffer = name_or_none(fence.buffer());
        case.recorded(
            I4,
            died.index,
            fence.id,
            format!("the fence of {buffer} is signalled before it is destroyed"),
            "it was destroyed while pending".to_owned(),
        )
    })
}
