//! I2: a fence is signalled exactly once between init and destroy.

use trace::Mark;

use super::{Case, name_or_none, seen};
use crate::invariant::Invariant::I2;
use crate::violation::Violation;
use crate::world::fence::Fence;
use crate::world::sight::SyncSight;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let fences = case.world.fences.iter();
    let lives = fences.filter_map(|fence| life(case, fence));
    let unseen = case
        .world
        .sights
        .syncs
        .iter()
        .filter_map(|sight| untold(case, sight));
    lives.chain(unseen).collect()
}

fn life(case: &Case, fence: &Fence) -> Option<Violation> {
    let born = fence.born()?;
    let died = fence.destroys.first();
    let first = fence.signal();
    let found = |event: usize, observed: &str| {
        let expected = format!(
            "one signal between init and destroy of the fence of {}",
            name_or_none(fence.buffer())
        );
        Some(case.recorded(I2, event, fence.id, expected, observed.to_owned()))
    };
    if let Some(second) = fence.signals.get(1) {
        return found(second.at.index, "it was signalled twice");
    }
    match (first, died) {
        (Some(signal), _) if signal.at.index < born.index => {
            found(signal.at.index, "it was signalled before init")
        }
        (Some(signal), Some(died)) if signal.at.index > died.index => {
            found(signal.at.index, "it was signalled after destroy")
        }
        (None, None) => {
            // One that was pending at the quiet mark already is I1's.
            let quiet = case.world.mark(Mark::Quiet);
            let end = case.world.mark(Mark::AllClosed)?;
            let late = quiet
                .is_none_or(|quiet| quiet.time.saturating_sub(born.time) < case.expectation.bound);
            late.then(|| found(end.index, "it was never signalled"))?
        }
        _ => None,
    }
}

/// A sync_file with this one fence says that it is signalled, and the ledger knows nothing of it.
fn untold(case: &Case, sight: &SyncSight) -> Option<Violation> {
    let [id] = sight.fences.as_deref()? else {
        return None;
    };
    let fence = case.world.fences.get(*id)?;
    fence.born()?;
    (sight.info.status != 0 && fence.unsignalled_in(&sight.span)).then(|| {
        let expected = format!("s{} is pending until its fence is signalled", sight.slot);
        let observed = "the sync_file says signalled, and no signal was recorded".to_owned();
        seen(I2, &sight.span, Some(*id), expected, observed)
    })
}
