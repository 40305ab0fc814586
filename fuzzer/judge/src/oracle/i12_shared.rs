//! I12: whoever has a plane's memory sees all of its fences, so they all are in one reservation object: that of the buffer
//! that owns the memory, of each export, and of each buffer that imports one.

use std::collections::BTreeMap;

use super::{Case, name};
use crate::invariant::Invariant::I12;
use crate::violation::Violation;
use crate::world::fence::Attach;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let fences = case.world.fences.iter();
    let attaches = fences.flat_map(|fence| fence.attaches.iter().map(|attach| (fence.id, attach)));
    let mut attaches: Vec<_> = attaches.filter(|(_, attach)| attach.resv != 0).collect();
    attaches.sort_by_key(|(_, attach)| attach.at.index);
    let mut first: BTreeMap<_, &Attach> = BTreeMap::new();
    let mut violations = Vec::new();
    for (fence, attach) in attaches {
        let Some(memory) = attach.memory else {
            continue;
        };
        let before = first.entry(memory).or_insert(attach);
        if before.resv != attach.resv {
            let expected = format!(
                "the memory of {} has one reservation object",
                name(attach.buffer)
            );
            let observed = format!(
                "an earlier fence on the same memory is in another one, that of {}",
                name(before.buffer)
            );
            violations.push(case.recorded(I12, attach.at.index, fence, expected, observed));
        }
    }
    violations
}
