//! I21: sync_files outlive the file, the dma-buf and the driver.

use trace::Looked;

use super::Case;
use crate::invariant::Invariant::I21;
use crate::violation::Violation;
use crate::world::sight::Failure;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let failures = case.world.sights.failures.iter();
    let lost = failures.filter(|failure| failure.what == Looked::Sync);
    lost.map(violation).collect()
}

fn violation(failure: &Failure) -> Violation {
    Violation {
        invariant: I21,
        op: failure.op,
        fence: None,
        expected: format!("s{} can be looked at as long as it is open", failure.slot),
        observed: format!(
            "a call on the live sync_file failed with errno {}",
            failure.errno
        ),
        event: failure.event,
    }
}
