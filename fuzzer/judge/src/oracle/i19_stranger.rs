//! I19: one file's STREAMOFF, REQBUFS or close does not signal another file's fence.
//!
//! A fence of another file may well be signalled meanwhile: by its own job, which ends when it ends. So this asks whether
//! that job had ended when the fence was signalled, or failed for a reason of its own.

use std::collections::BTreeMap;

use super::{Case, i17_cause, name, seen};
use crate::invariant::Invariant::I19;
use crate::violation::Violation;
use crate::world::buffer::{Happening, STATE_ERROR};
use crate::world::fence::{Attach, Fence};
use crate::world::sight::Drain;
use crate::world::span::Moment;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    if !case.expectation.tells_jobs {
        return Vec::new();
    }
    // A close drains both queues of a file, and one word about it is enough.
    let mut found = BTreeMap::new();
    for drain in &case.world.sights.drains {
        for fence in case.world.fences.iter() {
            if let Some(observed) = cut_short(case, drain, fence) {
                found.insert((drain.span.event, fence.id), (drain, fence, observed));
            }
        }
    }
    let violations = found.into_values().map(|(drain, fence, observed)| {
        let expected = format!(
            "the fence of {} of another file is left alone",
            fence.buffer().map_or_else(String::new, name)
        );
        seen(I19, &drain.span, Some(fence.id), expected, observed.into())
    });
    violations.collect()
}

/// How the fence of another file was ended by this call, if it was.
fn cut_short(case: &Case, drain: &Drain, fence: &Fence) -> Option<&'static str> {
    let signal = fence.signal()?.at;
    let attach = fence.attaches.first()?;
    let theirs = attach.place?;
    let mine = drain.place;
    let own = (theirs.file, theirs.opening) == (mine.file, mine.opening);
    if own || drain.span.op.is_none() || !drain.span.surely_covers(signal) {
        return None;
    }
    if !job_ended(case, attach, signal)? {
        return Some("it was signalled while its job was running");
    }
    failed_for_nothing(case, attach, signal).then_some("its job failed for no reason but this call")
}

/// Whether the job that the fence was attached for had ended; none if no job was started.
fn job_ended(case: &Case, attach: &Attach, signal: Moment) -> Option<bool> {
    let history = case.world.buffers.get(attach.buffer);
    let (start, job) = history.job_after(attach.at.index)?;
    if start.index > signal.index {
        return None;
    }
    let end = |(at, happening): (Moment, Happening)| {
        at.index < signal.index
            && matches!(happening, Happening::Job(number, trace::Phase::End) if number == job)
    };
    Some(history.after(start.index).any(end))
}

fn failed_for_nothing(case: &Case, attach: &Attach, signal: Moment) -> bool {
    let history = case.world.buffers.get(attach.buffer);
    match history.done_after(signal.index) {
        Some((done, STATE_ERROR)) => i17_cause::is_groundless(case, attach.buffer, done),
        _ => false,
    }
}
