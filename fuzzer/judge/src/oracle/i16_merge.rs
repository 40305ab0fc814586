//! I16: a merged sync_file is pending while one of its fences is.

use super::{Case, seen};
use crate::invariant::Invariant::I16;
use crate::violation::Violation;
use crate::world::sight::SyncSight;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    case.world
        .sights
        .syncs
        .iter()
        .filter_map(|sight| early(case, sight))
        .collect()
}

fn early(case: &Case, sight: &SyncSight) -> Option<Violation> {
    let fences = sight.fences.as_deref().filter(|fences| fences.len() > 1)?;
    let known = fences.iter().filter_map(|id| case.world.fences.get(*id));
    let pending = |fence: &&crate::world::fence::Fence| {
        fence.born().is_some() && fence.unsignalled_in(&sight.span)
    };
    let fence = known.into_iter().find(pending)?;
    // A negative status is one fence's error and says nothing about the others.
    (sight.info.status == 1).then(|| {
        let expected = format!(
            "s{} is pending until all its fences are signalled",
            sight.slot
        );
        let observed = "the merged sync_file is signalled while one of its fences is pending";
        seen(
            I16,
            &sight.span,
            Some(fence.id),
            expected,
            observed.to_owned(),
        )
    })
}
