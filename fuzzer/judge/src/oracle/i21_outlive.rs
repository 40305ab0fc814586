//! I21 and I20: sync_files outlive the file, the dma-buf and the driver, and exports of orphaned memory stay usable.

use trace::Looked;

use super::Case;
use crate::invariant::Invariant::{I20, I21};
use crate::violation::Violation;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let failures = case.world.sights.failures.iter();
    let violations = failures.map(|failure| {
        let (invariant, kind, noun) = match failure.what {
            Looked::Sync => (I21, 's', "sync_file"),
            Looked::Dmabuf => (I20, 'd', "dma-buf"),
        };
        Violation {
            invariant,
            op: failure.op,
            fence: None,
            expected: format!(
                "{kind}{} can be looked at as long as it is open",
                failure.slot
            ),
            observed: format!(
                "a call on the live {noun} failed with errno {}",
                failure.errno
            ),
            event: failure.event,
        }
    });
    violations.collect()
}
