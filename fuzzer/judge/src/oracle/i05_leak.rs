//! I5: every fence is destroyed once everything is closed. Destroying late is by design: signalled fences stay in the
//! reservation object until the next one is added, or until the memory goes.

use trace::Mark;

use super::{Case, name_or_none};
use crate::invariant::Invariant::I5;
use crate::violation::Violation;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let Some(closed) = case.world.mark(Mark::AllClosed) else {
        return Vec::new();
    };
    if case.world.trace.is_stuck() {
        return Vec::new();
    }
    let alive = |fence: &&crate::world::fence::Fence| {
        fence.born().is_some() && fence.destroys.is_empty() && !fence.signals.is_empty()
    };
    let leaked = case.world.fences.iter().filter(alive).map(|fence| {
        let expected = format!("the fence of {} is destroyed", name_or_none(fence.buffer()));
        let observed = "everything is closed and the fence still exists".to_owned();
        case.recorded(I5, closed.index, fence.id, expected, observed)
    });
    leaked.collect()
}
