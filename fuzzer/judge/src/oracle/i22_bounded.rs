//! I22: a reservation object does not collect fences: of each buffer it holds one that is pending at most, and signalled
//! ones make room for those that come.
//!
//! A new fence takes the place of a signalled one, or of an earlier one of its context. So an object never has more
//! entries than contexts; where no sync_file keeps fences alive, that is how many can exist.

use std::collections::{HashMap, HashSet};

use program::Op;
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
    let mut violations = crowded(case, &attaches);
    let mut last: HashMap<(BufferId, u32), FenceId> = HashMap::new();
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

/// The first attachment to each reservation object that finds more fences there than there are contexts.
fn crowded(case: &Case, attaches: &[(FenceId, &Attach)]) -> Vec<Violation> {
    let keeps = |op: &Op| matches!(op, Op::ExportSync { .. });
    let steps = &case.world.program.steps;
    // Of a client's run nobody knows what it keeps.
    if steps.is_empty() || steps.iter().any(|step| keeps(&step.op)) {
        return Vec::new();
    }
    let mut seen: HashMap<u32, HashSet<FenceId>> = HashMap::new();
    let mut violations = Vec::new();
    for (fence, attach) in attaches.iter().filter(|(_, attach)| attach.resv != 0) {
        let fences = seen.entry(attach.resv).or_default();
        fences.retain(|old| !is_destroyed(case, *old, attach));
        fences.insert(*fence);
        let contexts: HashSet<u32> = fences.iter().map(|fence| fence.context).collect();
        // One may just have been replaced and be about to go.
        if fences.len() > contexts.len() + 1 {
            let expected = format!(
                "{} keeps as many fences as it has contexts",
                name(attach.buffer)
            );
            let observed = "it collects fences that are signalled".to_owned();
            violations.push(case.recorded(I22, attach.at.index, *fence, expected, observed));
            break;
        }
    }
    violations
}

fn is_destroyed(case: &Case, fence: FenceId, attach: &Attach) -> bool {
    let fence = case.world.fences.get(fence);
    fence.is_some_and(|fence| fence.destroys.iter().any(|at| at.index < attach.at.index))
}
