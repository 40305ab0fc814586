//! I13: OUTPUT buffers carry READ fences and CAPTURE buffers WRITE fences, so that readers do not wait for readers.

use super::{Case, name, seen};
use crate::invariant::Invariant::I13;
use crate::violation::Violation;
use crate::world::fence::{Attach, Fence, USAGE_READ, USAGE_WRITE};
use crate::world::sight::{PollSight, SyncSight};
use crate::world::{Kinds, POLLIN};

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let sights = &case.world.sights;
    let attached = case
        .world
        .fences
        .iter()
        .filter_map(|fence| usage(case, fence));
    let exports = sights.syncs.iter().filter_map(|sight| export(case, sight));
    let polls = sights.polls.iter().filter_map(|sight| poll(case, sight));
    attached.chain(exports).chain(polls).collect()
}

fn usage(case: &Case, fence: &Fence) -> Option<Violation> {
    let proper = |attach: &Attach| {
        if attach.buffer.output {
            USAGE_READ
        } else {
            USAGE_WRITE
        }
    };
    let wrong = fence
        .attaches
        .iter()
        .find(|attach| attach.usage != proper(attach))?;
    let title = |usage| match usage {
        0 => "KERNEL",
        USAGE_WRITE => "WRITE",
        USAGE_READ => "READ",
        3 => "BOOKKEEP",
        _ => "unknown",
    };
    let expected = format!(
        "the fence of {} is added as {}",
        name(wrong.buffer),
        title(proper(wrong))
    );
    let observed = format!("it was added as {}", title(wrong.usage));
    Some(case.recorded(I13, wrong.at.index, fence.id, expected, observed))
}

/// Whether a reader has nothing to wait for, while a writer has. With nothing for either it is I7's or I11's.
fn readers_only(
    case: &Case,
    memory: crate::world::memory::MemoryId,
    span: &crate::world::span::Span,
) -> bool {
    let world = case.world;
    world.may_show(memory, span, Kinds::All) && !world.may_show(memory, span, Kinds::Write)
}

fn export(case: &Case, sight: &SyncSight) -> Option<Violation> {
    let (memory, access) = sight.exported()?;
    let reader = Kinds::from(access) == Kinds::Write;
    let wrong = reader && sight.info.status == 0 && readers_only(case, memory, &sight.span);
    wrong.then(|| {
        let expected = "a reader's export is signalled: only OUTPUT buffers are armed".to_owned();
        let observed = "a reader's export is pending".to_owned();
        seen(
            I13,
            &sight.span,
            sight.info.fences.first().and_then(|fence| fence.id),
            expected,
            observed,
        )
    })
}

fn poll(case: &Case, sight: &PollSight) -> Option<Violation> {
    let waits = sight.events & !sight.revents & POLLIN != 0;
    (waits && readers_only(case, sight.memory, &sight.span)).then(|| {
        let expected = format!("d{} is readable: only OUTPUT buffers are armed", sight.slot);
        let observed = "a reader's POLLIN is not set".to_owned();
        seen(I13, &sight.span, None, expected, observed)
    })
}
