//! I15: no fence id repeats, and buffers do not share a fence context: of two fences of one context the later replaces the
//! earlier in a reservation object and in a merge.

use std::collections::HashMap;

use super::{Case, name, name_or_none};
use crate::invariant::Invariant::I15;
use crate::violation::Violation;
use crate::world::fence::Fence;
use crate::world::span::Moment;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let mut born: Vec<(&Fence, Moment)> = Vec::new();
    for fence in case.world.fences.iter() {
        born.extend(fence.inits.iter().map(|at| (fence, *at)));
    }
    born.sort_by_key(|(_, at)| at.index);
    let mut last: HashMap<u32, &Fence> = HashMap::new();
    let mut violations = Vec::new();
    for (fence, at) in born {
        let before = last.insert(fence.id.context, fence);
        if let Some(observed) = fault(fence, at, before) {
            let buffer = name_or_none(fence.buffer());
            let expected =
                format!("the fence of {buffer} has its buffer's own context and a new seqno");
            violations.push(case.recorded(I15, at.index, fence.id, expected, observed));
        }
    }
    violations
}

fn fault(fence: &Fence, at: Moment, before: Option<&Fence>) -> Option<String> {
    if fence.id.context == 0 {
        return Some("it has context 0, which is the stub's".to_owned());
    }
    let before = before?;
    if before.id == fence.id {
        return Some("an id was used twice".to_owned());
    }
    if before.id.seqno > fence.id.seqno {
        return Some("its seqno is below that of an earlier fence of the context".to_owned());
    }
    let (mine, other) = (fence.buffer()?, before.buffer()?);
    let overlap = mine != other && !before.signalled_before(at.index);
    overlap.then(|| {
        format!(
            "it shares its context with the pending fence of {}",
            name(other)
        )
    })
}
