//! M1: each call answers what the reference model of videobuf2 and mem2mem says.

use super::Case;
use crate::invariant::Invariant;
use crate::violation::Violation;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let story = crate::resolved_story(case.expectation, case.world.program, case.world.trace);
    story
        .differences
        .into_iter()
        .map(|difference| Violation {
            invariant: Invariant::M1,
            op: Some(difference.op),
            fence: None,
            expected: difference.predicted,
            observed: difference.observed,
            event: difference.event,
        })
        .collect()
}
