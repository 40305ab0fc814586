//! I8: at the signal the plane is complete, and it stays so until the buffer is queued again.
//!
//! Two witnesses: the order of the driver's store records and the signal, and the content itself. The content needs no
//! ledger order: a store that comes late changes the hash, however late the looks are.

use std::collections::HashMap;

use trace::Phase;

use super::{Case, name, seen};
use crate::invariant::Invariant::I8;
use crate::violation::Violation;
use crate::world::buffer::{Happening, History, STATE_DONE};
use crate::world::fence::{Attach, Fence};
use crate::world::sight::ContentSight;
use crate::world::span::Moment;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let stores = case
        .world
        .fences
        .iter()
        .filter_map(|fence| stores(case, fence));
    let contents = &case.world.sights.contents;
    let frames = contents.iter().filter_map(incomplete);
    stores.chain(changes(contents)).chain(frames).collect()
}

/// The job's stores against its fence's signal. A job that was cut short has a first store and no last one; one that ended
/// well has both.
fn stores(case: &Case, fence: &Fence) -> Option<Violation> {
    let signal = fence.signal()?.at;
    let Attach { at, buffer, .. } = *fence
        .attaches
        .first()
        .filter(|attach| !attach.buffer.output)?;
    let history = case.world.buffers.get(buffer);
    let (start, job) = history.job_after(at.index)?;
    let stores: Vec<Moment> = stores_of(history, start, job).collect();
    let early = stores.iter().filter(|at| at.index < signal.index).count();
    let well = history
        .done_after(at.index)
        .is_some_and(|(_, state)| state == STATE_DONE);
    let (event, observed) = match (stores.get(early), early) {
        (Some(late), 0) => (
            late.index,
            "it was signalled before the job stored anything",
        ),
        (Some(late), _) => (
            late.index,
            "it was signalled while the job was still storing",
        ),
        (None, 1) if well => (
            signal.index,
            "it was signalled and the job never stored the rest",
        ),
        _ => return None,
    };
    let expected = format!(
        "the fence of {} is signalled after job {job}'s last store",
        name(buffer)
    );
    Some(case.recorded(I8, event, fence.id, expected, observed.to_owned()))
}

/// When the job that started then told of its first and of its last store.
fn stores_of(history: &History, start: Moment, job: u64) -> impl Iterator<Item = Moment> {
    let is_start = |happening| matches!(happening, Happening::Job(_, Phase::Start));
    let of_job = history
        .after(start.index)
        .take_while(move |(_, happening)| !is_start(*happening));
    of_job.filter_map(move |(at, happening)| match happening {
        Happening::Job(number, Phase::FirstStore | Phase::LastStore) if number == job => Some(at),
        _ => None,
    })
}

/// Contents of one memory between which nobody was allowed to write.
fn changes(contents: &[ContentSight]) -> Vec<Violation> {
    let mut last = HashMap::new();
    let mut violations = Vec::new();
    for sight in contents {
        let hash = sight.content.hash;
        let before = last.insert((sight.memory, sight.epoch), hash);
        if before.is_some_and(|before| before != hash) {
            let fence = sight.write.and_then(|write| write.fence);
            let expected = format!(
                "{} keeps its content until its buffer is queued again",
                sight.through
            );
            let observed = "the plane changed although no buffer of it was queued".to_owned();
            violations.push(seen(I8, &sight.span, fence, expected, observed));
        }
    }
    violations
}

/// A frame that ended without error and is not the job's whole pattern.
fn incomplete(sight: &ContentSight) -> Option<Violation> {
    let write = sight
        .write
        .filter(|write| write.ended == Some(STATE_DONE))?;
    let content = &sight.content;
    let observed = match content.stamp {
        None => "the plane has no stamp".to_owned(),
        Some(stamp) if stamp.job != write.job => {
            "the plane has the stamp of another job".to_owned()
        }
        Some(_) if content.good_words != content.words => {
            format!(
                "{} of {} words are the job's",
                content.good_words, content.words
            )
        }
        Some(_) => return None,
    };
    let expected = format!(
        "{} shows the whole frame of job {}",
        sight.through, write.job
    );
    Some(seen(I8, &sight.span, write.fence, expected, observed))
}
