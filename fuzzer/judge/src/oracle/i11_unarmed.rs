//! I11: a buffer that no running job will complete has no fence. `i11_untold` does what can be done for drivers that tell
//! nothing of their jobs.
//!
//! Attaching and starting the job are one go in the kernel, so by the second operation after the attachment the start, or
//! the signal of a job that was cut short, has been recorded.

use super::{Case, name, seen};
use crate::invariant::Invariant::I11;
use crate::violation::Violation;
use crate::world::Kinds;
use crate::world::fence::Fence;
use crate::world::sight::SyncSight;
use crate::world::span::Moment;

/// A job that starts later than this after the attachment was not what the fence was attached for, however busy the
/// machine is.
const GO: u64 = 100_000_000;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let fences = case
        .world
        .fences
        .iter()
        .filter(|_| case.expectation.tells_jobs);
    let early = fences.filter_map(|fence| early(case, fence));
    let exports = case
        .world
        .sights
        .syncs
        .iter()
        .filter_map(|sight| export(case, sight));
    early.chain(exports).collect()
}

fn early(case: &Case, fence: &Fence) -> Option<Violation> {
    let attach = fence.attaches.first()?;
    let history = case.world.buffers.get(attach.buffer);
    let job = history.job_after(attach.at.index).map(|(start, _)| start);
    let signal = fence.signal().map(|signal| signal.at);
    let settled = case.world.settled_after(attach.at.index);
    let in_one_go = |at: Moment| {
        at.time.saturating_sub(attach.at.time) <= GO
            && settled.is_none_or(|settled| at.index < settled)
    };
    let observed = match (job, signal) {
        _ if [job, signal].into_iter().flatten().any(in_one_go) => return None,
        (Some(_), _) => "it was attached long before a job started",
        (None, Some(_)) => "it was attached, and signalled later without a job",
        (None, None) if settled.is_some() => "it was attached and no job started",
        (None, None) => return None,
    };
    let expected = format!(
        "the fence of {} is attached when its job starts",
        name(attach.buffer)
    );
    Some(case.recorded(
        I11,
        attach.at.index,
        fence.id,
        expected,
        observed.to_owned(),
    ))
}

/// An export of a plane whose buffers were never armed.
fn export(case: &Case, sight: &SyncSight) -> Option<Violation> {
    let (memory, _) = sight.exported()?;
    let (world, span) = (case.world, &sight.span);
    let unarmed = !world.may_show(memory, span, Kinds::All) && !world.was_armed(memory, span);
    (unarmed && sight.info.status == 0).then(|| {
        let expected = "the export is signalled: no buffer of the plane was ever armed".to_owned();
        let observed = "the export is pending".to_owned();
        seen(
            I11,
            span,
            sight.info.fences.first().and_then(|fence| fence.id),
            expected,
            observed,
        )
    })
}
