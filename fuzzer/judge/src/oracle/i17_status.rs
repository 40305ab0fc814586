//! I17: a fence carries an error if and only if its buffer ended with one; sync_file and DQBUF say the same.

use super::{Case, name, seen};
use crate::invariant::Invariant::I17;
use crate::violation::Violation;
use crate::world::buffer::STATE_DONE;
use crate::world::fence::Fence;
use crate::world::sight::{Dequeue, SyncSight};

/// `V4L2_BUF_FLAG_ERROR`
const FLAG_ERROR: u32 = 0x40;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let sights = &case.world.sights;
    let signals = case
        .world
        .fences
        .iter()
        .filter_map(|fence| signal(case, fence));
    let dequeues = sights
        .dequeues
        .iter()
        .filter_map(|dequeue| flag(case, dequeue));
    let syncs = sights.syncs.iter().filter_map(|sight| status(case, sight));
    signals.chain(dequeues).chain(syncs).collect()
}

fn outcome(error: bool) -> &'static str {
    if error { "an error" } else { "no error" }
}

fn signal(case: &Case, fence: &Fence) -> Option<Violation> {
    let (attach, signal) = (fence.attaches.first()?, fence.signal()?);
    let (_, state) = case
        .world
        .buffers
        .get(attach.buffer)
        .done_after(attach.at.index)?;
    let (ended, told) = (state != STATE_DONE, signal.error != 0);
    (ended != told).then(|| {
        let buffer = name(attach.buffer);
        let expected = format!(
            "the fence of {buffer} is signalled with {}: so the buffer ended",
            outcome(ended)
        );
        let observed = format!("it was signalled with {}", outcome(told));
        case.recorded(I17, signal.at.index, fence.id, expected, observed)
    })
}

fn flag(case: &Case, dequeue: &Dequeue) -> Option<Violation> {
    let span = &dequeue.span;
    if span.is_async() {
        return None;
    }
    let (_, state) = case
        .world
        .buffers
        .get(dequeue.buffer)
        .last_done(span.event)?;
    let (ended, told) = (state != STATE_DONE, dequeue.flags & FLAG_ERROR != 0);
    (ended != told).then(|| {
        let buffer = name(dequeue.buffer);
        let expected = format!(
            "DQBUF of {buffer} shows {}: so the buffer ended",
            outcome(ended)
        );
        let observed = format!("V4L2_BUF_FLAG_ERROR says {}", outcome(told));
        seen(I17, span, None, expected, observed)
    })
}

/// A sync_file of one fence, once it is signalled, against the fence's own error.
fn status(case: &Case, sight: &SyncSight) -> Option<Violation> {
    let [id] = sight.fences.as_deref()? else {
        return None;
    };
    let error = case.world.fences.get(*id)?.signal()?.error;
    let expected = if error == 0 { 1 } else { error };
    let told = sight.info.status;
    (told != 0 && told != expected).then(|| {
        let expected = format!(
            "s{} has status {expected}, as its fence was signalled",
            sight.slot
        );
        let observed = format!("the sync_file's status tells {}", outcome(told < 0));
        seen(I17, &sight.span, Some(*id), expected, observed)
    })
}
