//! I7: a dequeued buffer shows no pending fence: once all fences of a plane are signalled, an export is signalled and a
//! poll is ready.

use program::Access;

use super::{Case, seen};
use crate::invariant::Invariant::I7;
use crate::violation::Violation;
use crate::world::sight::{PollSight, SyncSight};
use crate::world::{Kinds, POLLIN, POLLOUT};

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let sights = &case.world.sights;
    let exports = sights.syncs.iter().filter_map(|sight| export(case, sight));
    exports
        .chain(sights.polls.iter().filter_map(|sight| poll(case, sight)))
        .collect()
}

fn export(case: &Case, sight: &SyncSight) -> Option<Violation> {
    let (memory, _) = sight.exported()?;
    let span = &sight.span;
    let idle = !case.world.may_show(memory, span, Kinds::All) && case.world.was_armed(memory, span);
    (idle && sight.info.status == 0).then(|| {
        let expected = "the export is signalled: all fences of the plane are".to_owned();
        let observed = "the export is pending".to_owned();
        seen(
            I7,
            span,
            sight.info.fences.first().and_then(|fence| fence.id),
            expected,
            observed,
        )
    })
}

fn poll(case: &Case, sight: &PollSight) -> Option<Violation> {
    let bits = [
        (POLLIN, Access::Read, "POLLIN"),
        (POLLOUT, Access::Write, "POLLOUT"),
    ];
    let missing = bits
        .into_iter()
        .filter(|(bit, ..)| sight.events & !sight.revents & bit != 0);
    let idle = !case.world.may_show(sight.memory, &sight.span, Kinds::All);
    let (.., name) = missing.into_iter().next().filter(|_| idle)?;
    let expected = format!("d{} is ready: no fence of its plane is pending", sight.slot);
    let observed = format!("{name} is not set");
    Some(seen(I7, &sight.span, None, expected, observed))
}
