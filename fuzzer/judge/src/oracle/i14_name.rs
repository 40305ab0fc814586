//! I14: all exports of a plane show the same fence: the one that its buffer was armed with.

use super::{Case, seen};
use crate::invariant::Invariant::I14;
use crate::violation::Violation;
use crate::world::sight::SyncSight;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    case.world
        .sights
        .syncs
        .iter()
        .filter_map(|sight| named(case, sight))
        .collect()
}

fn named(case: &Case, sight: &SyncSight) -> Option<Violation> {
    let (memory, _) = sight.exported()?;
    let [fence] = &sight.info.fences[..] else {
        return None;
    };
    let id = fence.id.filter(|_| fence.status == 0)?;
    let span = &sight.span;
    let armed = case.world.pending(memory, span).next()?.id;
    (!case.world.may_name(memory, span, id)).then(|| {
        let expected = format!("the export names fence {armed}");
        let observed = format!("the export names fence {id}, which this plane was not armed with");
        seen(I14, span, Some(id), expected, observed)
    })
}
