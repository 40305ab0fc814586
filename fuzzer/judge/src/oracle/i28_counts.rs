//! I28: the counts of modules and dma-bufs return to where they were, and a driver that nobody uses can be unloaded.

use super::Case;
use crate::invariant::Invariant::I28;
use crate::violation::Violation;
use crate::world::sight::{Left, Unload};

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let sights = &case.world.sights;
    let held = case.world.trace.is_stuck();
    let left = sights.left.iter().filter(|_| !held).flat_map(left);
    left.chain(sights.unloads.iter().map(kept)).collect()
}

fn left(left: &Left) -> Vec<Violation> {
    let kinds = [
        (left.dmabufs, "dma-bufs"),
        (left.users, "references to modules"),
    ];
    let more = kinds.into_iter().filter(|(count, _)| *count > 0);
    let violation = |(count, kind)| Violation {
        invariant: I28,
        op: None,
        fence: None,
        expected: "nothing is left when everything is closed".to_owned(),
        observed: format!("{count} {kind} more than when the run began"),
        event: left.event,
    };
    more.map(violation).collect()
}

fn kept(unload: &Unload) -> Violation {
    Violation {
        invariant: I28,
        op: Some(unload.op),
        fence: None,
        expected: "a driver of which nothing is open can be unloaded and loaded again".to_owned(),
        observed: format!("that failed with errno {}", unload.errno),
        event: unload.event,
    }
}
