//! I6: the fences of a buffer are signalled when DQBUF returns it, and its sync_files say so, with a time that has passed.

use trace::{Event, FenceId};

use super::{Case, ms, name, seen};
use crate::invariant::Invariant::I6;
use crate::violation::Violation;
use crate::world::fence::Fence;
use crate::world::sight::{Dequeue, SyncSight};

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    case.world
        .sights
        .dequeues
        .iter()
        .flat_map(|dequeue| check(case, dequeue))
        .collect()
}

fn check(case: &Case, dequeue: &Dequeue) -> Vec<Violation> {
    let ended = |fence: &&Fence| must_have_ended(case, fence, dequeue);
    let fences: Vec<&Fence> = case.world.fences.iter().filter(ended).collect();
    let pending = fences
        .iter()
        .filter(|fence| fence.unsignalled_in(&dequeue.span));
    let unsignalled = pending.map(|fence| {
        let expected = format!(
            "the fence of {} is signalled before DQBUF returns it",
            name(dequeue.buffer)
        );
        let observed = "DQBUF returned the buffer while its fence was pending".to_owned();
        seen(I6, &dequeue.span, Some(fence.id), expected, observed)
    });
    let ids: Vec<FenceId> = fences.iter().map(|fence| fence.id).collect();
    let looks = looks_after(case, dequeue);
    unsignalled
        .chain(looks.filter_map(|sight| look(&ids, dequeue, sight)))
        .collect()
}

/// Whether the buffer was armed with this fence before the driver gave back what DQBUF returned.
fn must_have_ended(case: &Case, fence: &Fence, dequeue: &Dequeue) -> bool {
    let span = &dequeue.span;
    let history = case.world.buffers.get(dequeue.buffer);
    let given = history
        .last_done(span.event)
        .map_or(0, |(done, _)| done.index);
    let mut attaches = fence
        .attaches
        .iter()
        .filter(|attach| attach.buffer == dequeue.buffer);
    attaches
        .any(|attach| span.surely_after(attach.at) || (!span.is_async() && attach.at.index < given))
}

/// The looks at sync_files that directly follow.
fn looks_after<'a>(case: &'a Case, dequeue: &Dequeue) -> impl Iterator<Item = &'a SyncSight> {
    let start = dequeue.span.event + 1;
    let events = case.world.trace.events.get(start..).unwrap_or_default();
    let count = events
        .iter()
        .take_while(|event| matches!(event, Event::Look(_)))
        .count();
    let near = start..start + count;
    case.world
        .sights
        .syncs
        .iter()
        .filter(move |sight| near.contains(&sight.span.event))
}

fn look(ended: &[FenceId], dequeue: &Dequeue, sight: &SyncSight) -> Option<Violation> {
    let fences = sight.fences.as_deref()?;
    if fences.is_empty() || !fences.iter().all(|id| ended.contains(id)) {
        return None;
    }
    let end = dequeue.span.end_time()?;
    let late = |time: i64| u64::try_from(time).is_ok_and(|time| time > end);
    let observed = match sight.info.fences.iter().find(|fence| late(fence.timestamp)) {
        _ if sight.info.status == 0 => "its sync_file is still pending".to_owned(),
        Some(_) => format!("its sync_file gives a signal time after {}", ms(end)),
        None => return None,
    };
    let expected = format!(
        "s{}, exported from {}, is signalled when DQBUF has returned the buffer",
        sight.slot,
        name(dequeue.buffer)
    );
    Some(seen(
        I6,
        &sight.span,
        fences.first().copied(),
        expected,
        observed,
    ))
}
