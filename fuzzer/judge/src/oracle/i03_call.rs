//! I3: nobody tries to signal a fence twice. The second call does nothing, and so nobody notices the two owners that it
//! tells of, one of which may one day be late.

use super::{Case, name_or_none};
use crate::invariant::Invariant::I3;
use crate::violation::Violation;
use crate::world::fence::Fence;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let fences = case.world.fences.iter();
    fences.filter_map(|fence| again(case, fence)).collect()
}

fn again(case: &Case, fence: &Fence) -> Option<Violation> {
    fence.born()?;
    let at = fence.agains.first()?;
    let expected = format!(
        "one call signals the fence of {}",
        name_or_none(fence.buffer())
    );
    let observed = "it was signalled already when somebody called to signal it".to_owned();
    Some(case.recorded(I3, at.index, fence.id, expected, observed))
}
