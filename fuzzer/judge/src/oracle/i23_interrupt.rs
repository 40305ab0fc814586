//! I23: whoever waits for a fence can be interrupted, and wakes at the signal.
//!
//! The wait is that of a CPU access, which has no time-out of its own: the agent interrupts it when it has taken long
//! enough. Time stands still while code runs, so who wakes late has not been woken.

use program::{CPU_ACCESS_LIMIT, OpKind};

use super::{Case, ms, seen};
use crate::invariant::Invariant::I23;
use crate::violation::Violation;
use crate::world::fence::Fence;
use crate::world::memory::MemoryId;
use crate::world::sight::{Hung, Wait};
use crate::world::slot::ImportedFences;

/// What a busy machine may add to a time at most.
const SLACK: u64 = 50_000_000;

/// Waits that the agent's signal did not end.
pub(super) fn stubborn(case: &Case) -> Vec<Violation> {
    let sights = &case.world.sights;
    let limit = u64::from(CPU_ACCESS_LIMIT.0) * 1000;
    let expected = "a wait for a fence can be interrupted".to_owned();
    let waits = sights.waits.iter();
    let late = waits.filter(|wait| wait.span.duration() > limit + SLACK);
    let late = late.map(|wait| {
        let observed = format!(
            "the wait on d{} took {}, and was interrupted after {}",
            wait.slot,
            ms(wait.span.duration()),
            ms(limit)
        );
        seen(I23, &wait.span, None, expected.clone(), observed)
    });
    let waits_on = |hung: &&Hung| hung.what == Some(OpKind::CpuSync);
    let hung = sights.hung.iter().filter(waits_on).map(|hung| Violation {
        invariant: I23,
        op: Some(hung.op),
        fence: None,
        expected: expected.clone(),
        observed: "the wait was interrupted and never ended".to_owned(),
        event: hung.event,
    });
    late.chain(hung).collect()
}

/// Waits that went on when nothing was pending any more.
pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let waits = case.world.sights.waits.iter();
    waits.filter_map(|wait| overslept(case, wait)).collect()
}

fn overslept(case: &Case, wait: &Wait) -> Option<Violation> {
    let (memory, end) = (wait.memory?, wait.span.end_time()?);
    if wait.span.duration() <= SLACK {
        return None;
    }
    let last = last_signal(case, memory, wait)?;
    (end > last + SLACK).then(|| {
        let expected = format!(
            "the wait on d{} ends at the signal of its last fence",
            wait.slot
        );
        let observed = format!("it went on for {}", ms(end - last));
        seen(I23, &wait.span, None, expected, observed)
    })
}

/// When the last fence that may have been on the memory was signalled, but no earlier than the wait began; none if one was
/// pending to the end.
fn last_signal(case: &Case, memory: MemoryId, wait: &Wait) -> Option<u64> {
    let begin = wait.span.end_time()?.saturating_sub(wait.span.duration());
    let here = |fence: &&Fence| fence.may_be_pending(memory, &wait.span);
    let mut last = begin;
    for fence in case.world.fences.iter().filter(here) {
        last = last.max(fence.signal()?.at.time);
    }
    let imports = case.world.imports.iter();
    for import in imports.filter(|import| import.may_be_on(memory)) {
        last = last.max(import_ended(case, import)?);
    }
    Some(last)
}

/// When all of what a program imported had ended; none if something never did, or if it is not known what it was.
fn import_ended(case: &Case, import: &ImportedFences) -> Option<u64> {
    let mut last = 0;
    for id in import.fences.as_ref()? {
        let fence = case.world.fences.get(*id)?;
        last = last.max(fence.signal()?.at.time);
    }
    for id in &import.strangers {
        last = last.max(case.world.strangers.ended(*id)?.time);
    }
    Some(last)
}
