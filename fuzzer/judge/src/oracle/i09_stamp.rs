//! I9: the signal is not earlier than the last store into the plane. The stamp in the plane and the fence keep their times,
//! so an early signal shows however late anyone looks.

use trace::{FenceId, Phase};

use super::{Case, ms, name, seen};
use crate::invariant::Invariant::I9;
use crate::violation::Violation;
use crate::world::buffer::Happening;
use crate::world::fence::Fence;
use crate::world::sight::{ContentSight, SyncSight};

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let sights = &case.world.sights;
    let stores = case
        .world
        .fences
        .iter()
        .filter_map(|fence| store(case, fence));
    let stamps: Vec<_> = sights.contents.iter().filter_map(stamped).collect();
    let contents = stamps
        .iter()
        .filter_map(|(sight, fence, time)| content(case, sight, *fence, *time));
    let times = stamps.iter().flat_map(|(_, fence, time)| {
        sights
            .syncs
            .iter()
            .filter_map(|sight| timestamp(sight, *fence, *time))
    });
    stores.chain(contents).chain(times).collect()
}

/// The ledger's time of the last store against that of the signal.
fn store(case: &Case, fence: &Fence) -> Option<Violation> {
    let signal = fence.signal()?.at;
    let attach = fence
        .attaches
        .first()
        .filter(|attach| !attach.buffer.output)?;
    let history = case.world.buffers.get(attach.buffer);
    let (start, job) = history.job_after(attach.at.index)?;
    let mut stores = history
        .after(start.index)
        .take_while(|(_, happening)| !matches!(happening, Happening::Job(_, Phase::Start)));
    let (last, _) =
        stores.find(|(_, happening)| *happening == Happening::Job(job, Phase::LastStore))?;
    (last.time > signal.time).then(|| {
        let expected = format!(
            "the fence of {} is signalled at or after the last store",
            name(attach.buffer)
        );
        let observed = format!(
            "it was signalled {} before the last store",
            ms(last.time - signal.time)
        );
        case.recorded(I9, last.index, fence.id, expected, observed)
    })
}

/// The fence and the stamp of the job that wrote this content.
fn stamped(sight: &ContentSight) -> Option<(&ContentSight, FenceId, i64)> {
    let (write, stamp) = (sight.write?, sight.content.stamp?);
    (stamp.job == write.job).then_some((sight, write.fence?, stamp.time))
}

fn content(case: &Case, sight: &ContentSight, fence: FenceId, time: i64) -> Option<Violation> {
    let signal = case.world.fences.get(fence)?.signal()?.at;
    let time = u64::try_from(time)
        .ok()
        .filter(|time| *time > signal.time)?;
    let expected = format!(
        "the fence of {}'s frame is signalled at or after its stamp",
        sight.through
    );
    let observed = format!(
        "it was signalled {} before the stamp",
        ms(time - signal.time)
    );
    Some(seen(I9, &sight.span, Some(fence), expected, observed))
}

fn timestamp(sight: &SyncSight, fence: FenceId, stamp: i64) -> Option<Violation> {
    let ([only], [info]) = (sight.fences.as_deref()?, &sight.info.fences[..]) else {
        return None;
    };
    let early = *only == fence && info.status != 0 && info.timestamp < stamp;
    early.then(|| {
        let expected = format!(
            "s{}'s fence is signalled at or after the frame's stamp",
            sight.slot
        );
        let early = ms(stamp.abs_diff(info.timestamp));
        let observed = format!("the sync_file gives a signal time {early} before the stamp");
        seen(I9, &sight.span, Some(fence), expected, observed)
    })
}
