//! I25: foreign fences in a reservation object survive what happens to its buffers: a fence that a program imported is
//! there until it is signalled, whichever jobs come and go. And a fence that only the program ends no job ends.

use program::Access;
use trace::FenceId;

use super::{Case, seen};
use crate::invariant::Invariant::I25;
use crate::violation::Violation;
use crate::world::memory::MemoryId;
use crate::world::sight::{PollSight, SyncSight};
use crate::world::slot::ImportedFences;
use crate::world::span::Span;
use crate::world::stranger::StrangerId;
use crate::world::{POLLIN, POLLOUT};

/// A fence that was imported: of a driver, or of a software timeline, which has no name in the trace.
type Survivor = Option<FenceId>;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let sights = &case.world.sights;
    let exports = sights.syncs.iter().filter_map(|sight| export(case, sight));
    let polls = sights.polls.iter().filter_map(|sight| poll(case, sight));
    let ended = sights.syncs.iter().filter_map(|sight| ended(case, sight));
    exports.chain(polls).chain(ended).collect()
}

/// A fence that was imported before the span and is pending all through it, and that whoever asks for `access` must see.
fn survivor(case: &Case, memory: MemoryId, span: &Span, access: Access) -> Option<Survivor> {
    if !case.expectation.may_attach {
        // A queue that does not opt in gives each export a reservation object of its own.
        return None;
    }
    let here = |import: &&ImportedFences| {
        import.memory == Some(memory)
            && import.from < span.began()
            && must_see(import.access, access)
    };
    let imports = case.world.imports.iter().filter(here);
    let mut strangers = imports.clone().flat_map(|import| &import.strangers);
    if strangers.any(|id| case.world.strangers.unended_in(*id, span)) {
        return Some(None);
    }
    let mut fences = imports
        .filter_map(|import| import.fences.as_ref())
        .flatten();
    let pending = |id: &&FenceId| {
        let fence = case.world.fences.get(**id);
        fence.is_some_and(|fence| fence.unsignalled_in(span) && fence.born().is_some())
    };
    fences.find(pending).copied().map(Some)
}

/// A sync_file whose fence of a software timeline somebody else has ended.
fn ended(case: &Case, sight: &SyncSight) -> Option<Violation> {
    let pending = |id: &StrangerId| case.world.strangers.unended_in(*id, &sight.span);
    // A negative status is one fence's error and says nothing about the others.
    let mut fences = sight.info.fences.iter();
    let over = sight.info.status != 0 && fences.all(|fence| fence.status != 0);
    let ended = over && sight.strangers.iter().any(pending);
    ended.then(|| {
        let expected = format!(
            "s{} is pending until the program ends its software fence",
            sight.slot
        );
        let observed = format!("its status is {}", sight.info.status);
        seen(I25, &sight.span, None, expected, observed)
    })
}

/// Readers wait for writers, writers for all.
fn must_see(imported: Access, asked: Access) -> bool {
    imported != Access::Read || asked != Access::Read
}

fn export(case: &Case, sight: &SyncSight) -> Option<Violation> {
    let (memory, access) = sight.exported()?;
    let fence = survivor(case, memory, &sight.span, access)?;
    (sight.info.status != 0).then(|| {
        let expected = "the export shows the pending fence that was imported".to_owned();
        let observed = "the export is signalled".to_owned();
        seen(I25, &sight.span, fence, expected, observed)
    })
}

fn poll(case: &Case, sight: &PollSight) -> Option<Violation> {
    let bits = [(POLLIN, Access::Read), (POLLOUT, Access::Write)];
    let mut ready = bits
        .into_iter()
        .filter(|(bit, _)| sight.events & sight.revents & bit != 0);
    let survivor = |(_, access)| survivor(case, sight.memory, &sight.span, access);
    let fence = ready.find_map(survivor)?;
    let expected = format!(
        "d{} is not ready while the imported fence is pending",
        sight.slot
    );
    let observed = "poll says that it is ready".to_owned();
    Some(seen(I25, &sight.span, fence, expected, observed))
}
