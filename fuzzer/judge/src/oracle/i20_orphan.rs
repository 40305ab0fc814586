//! I20: exports of orphaned memory stay usable: whoever holds a dma-buf can look at it, poll it and ask for its fences
//! whatever became of its buffer; nothing of the buffer is pending there, and nobody writes to it any more.

use trace::Looked;

use super::{Case, seen};
use crate::invariant::Invariant::I20;
use crate::violation::Violation;
use crate::world::fence::{Attach, Fence};
use crate::world::sight::{ContentSight, Failure, Orphan, PollSight, SyncSight};
use crate::world::span::Span;
use crate::world::{POLLIN, POLLOUT};

/// `POLLERR`, `POLLHUP` and `POLLNVAL`
const POLL_TROUBLE: u16 = 0x8 | 0x10 | 0x20;

pub(super) fn usable(case: &Case) -> Vec<Violation> {
    let sights = &case.world.sights;
    let lost = |failure: &&Failure| failure.what == Looked::Dmabuf;
    let failures = sights
        .failures
        .iter()
        .filter(lost)
        .map(|failure| Violation {
            invariant: I20,
            op: failure.op,
            fence: None,
            expected: format!("d{} can be used as long as it is open", failure.slot),
            observed: format!(
                "a call on the live dma-buf failed with errno {}",
                failure.errno
            ),
            event: failure.event,
        });
    let trouble = |poll: &&PollSight| poll.revents & POLL_TROUBLE != 0;
    let polls = sights.polls.iter().filter(trouble).map(|poll| {
        let expected = format!("d{} can be polled as long as it is open", poll.slot);
        let observed = "poll on the live dma-buf told an error".to_owned();
        seen(I20, &poll.span, None, expected, observed)
    });
    failures.chain(polls).collect()
}

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let orphans = case.world.sights.orphans.iter();
    orphans.flat_map(|orphan| of(case, orphan)).collect()
}

fn of(case: &Case, orphan: &Orphan) -> Vec<Violation> {
    let sights = &case.world.sights;
    let later = |span: &Span| span.began() > orphan.event;
    let exports = sights.syncs.iter().filter(|sight| later(&sight.span));
    let polls = sights.polls.iter().filter(|sight| later(&sight.span));
    let mut found: Vec<_> = exports
        .filter_map(|sight| export(case, orphan, sight))
        .collect();
    found.extend(polls.filter_map(|sight| poll(case, orphan, sight)));
    found.extend(thawed(case, orphan));
    found
}

/// Whether a fence may show there that is none of the buffer that went: of a buffer that imports the memory, or of
/// whoever imported a fence.
fn may_be_another_s(case: &Case, orphan: &Orphan, span: &Span) -> bool {
    let another = |fence: &Fence| {
        let mut attaches = fence.attaches.iter();
        attaches.any(|attach| attach.memory.is_none() || attach.at.index > orphan.event)
            || imports(case, orphan, fence)
    };
    let mut fences = case.world.fences.iter();
    case.world.imported(orphan.memory, span)
        || fences.any(|fence| fence.may_be_pending(orphan.memory, span) && another(fence))
}

/// Whether the buffer of this fence is not the one that went: that one has no fence after the call that took it away.
fn imports(case: &Case, orphan: &Orphan, fence: &Fence) -> bool {
    let sights = &case.world.sights;
    let gone = |attach: &Attach| {
        let mut drains = sights.drains.iter();
        let mut removals = sights.removals.iter();
        drains.any(|drain| drain.span.event == orphan.event && attach.place == Some(drain.place))
            || removals.any(|removal| {
                removal.span.event == orphan.event && attach.place == Some(removal.place)
            })
    };
    !fence.attaches.iter().any(gone)
}

fn export(case: &Case, orphan: &Orphan, sight: &SyncSight) -> Option<Violation> {
    let (memory, _) = sight.exported()?;
    let pending = memory == orphan.memory && sight.info.status == 0;
    (pending && !may_be_another_s(case, orphan, &sight.span)).then(|| {
        let expected = "nothing is pending on memory whose buffer is gone".to_owned();
        let observed = "an export of it is pending".to_owned();
        seen(I20, &sight.span, None, expected, observed)
    })
}

fn poll(case: &Case, orphan: &Orphan, sight: &PollSight) -> Option<Violation> {
    let asked = sight.events & (POLLIN | POLLOUT);
    let waits = sight.memory == orphan.memory && asked & !sight.revents != 0;
    (waits && !may_be_another_s(case, orphan, &sight.span)).then(|| {
        let expected = format!("d{} is ready: its buffer is gone", sight.slot);
        let observed = "poll says that it is not ready".to_owned();
        seen(I20, &sight.span, None, expected, observed)
    })
}

/// Changes of the memory after its buffer went, while no other buffer on it was queued.
fn thawed(case: &Case, orphan: &Orphan) -> Option<Violation> {
    let contents = case.world.sights.contents.iter();
    let here: Vec<&ContentSight> = contents
        .filter(|sight| sight.memory == orphan.memory)
        .collect();
    let changed = here.windows(2).find(|pair| {
        let same = pair[0].epoch == pair[1].epoch;
        same && pair[1].span.event > orphan.event && pair[0].content.hash != pair[1].content.hash
    })?;
    let expected = format!("{} is frozen: its buffer is gone", changed[1].through);
    let observed = "it was written to".to_owned();
    Some(seen(I20, &changed[1].span, None, expected, observed))
}
