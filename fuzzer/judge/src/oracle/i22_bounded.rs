//! I22: a reservation object does not collect fences: of each buffer it holds one that is pending at most.

use std::collections::HashMap;

use trace::{BufferId, FenceId};

use super::{Case, name};
use crate::invariant::Invariant::I22;
use crate::violation::Violation;
use crate::world::fence::Attach;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let fences = case.world.fences.iter();
    let attaches = fences.flat_map(|fence| fence.attaches.iter().map(|attach| (fence.id, attach)));
    let mut attaches: Vec<(FenceId, &Attach)> = attaches.collect();
    attaches.sort_by_key(|(_, attach)| attach.at.index);
    let mut last: HashMap<(BufferId, u32), FenceId> = HashMap::new();
    let mut violations = Vec::new();
    for (fence, attach) in attaches {
        let before = last.insert((attach.buffer, attach.plane), fence);
        let second = before.filter(|before| *before != fence && is_pending(case, *before, attach));
        violations.extend(second.map(|_| {
            let expected = format!("{} has one pending fence at a time", name(attach.buffer));
            let observed = "it was attached while an earlier one was pending".to_owned();
            case.recorded(I22, attach.at.index, fence, expected, observed)
        }));
    }
    violations
}

fn is_pending(case: &Case, fence: FenceId, attach: &Attach) -> bool {
    let fence = case.world.fences.get(fence);
    fence.is_some_and(|fence| !fence.signalled_before(attach.at.index))
}
