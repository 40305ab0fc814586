//! I30: USERPTR buffers have no fence: nobody can share their memory, so nobody could ever wait.
//!
//! A fence that is made for such a buffer has no plane to be attached to. So a fence that was attached nowhere is one,
//! if no other buffer is with a driver, or if this kernel does tell of attachments.

use std::collections::HashSet;

use trace::{BufferId, Event, FenceId, Kind, Record};

use super::{Case, name};
use crate::invariant::Invariant::I30;
use crate::violation::Violation;
use crate::world::fence::Fence;
use crate::world::span::Moment;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let attached = case
        .world
        .fences
        .iter()
        .filter_map(|fence| attached(case, fence));
    attached.chain(made(case)).collect()
}

/// A fence that was attached to a plane of such a buffer.
fn attached(case: &Case, fence: &Fence) -> Option<Violation> {
    let history = |buffer| case.world.buffers.get(buffer);
    let mut attaches = fence.attaches.iter();
    let attach = attaches.find(|attach| history(attach.buffer).is_userptr(attach.at.index))?;
    let observed = "a fence was attached to it";
    Some(found(case, attach.at, fence.id, attach.buffer, observed))
}

fn found(case: &Case, at: Moment, fence: FenceId, buffer: BufferId, observed: &str) -> Violation {
    let expected = format!("{}, which nobody can share, has no fence", name(buffer));
    case.recorded(I30, at.index, fence, expected, observed.to_owned())
}

/// Fences that were made while such buffers were with a driver, and attached nowhere.
fn made(case: &Case) -> Vec<Violation> {
    let mut users: Vec<BufferId> = Vec::new();
    let mut others: HashSet<BufferId> = HashSet::new();
    let mut violations = Vec::new();
    for (at, kind) in records(case) {
        match kind {
            Kind::Queue { buffer } => drop(others.insert(buffer)),
            Kind::Userptr { buffer } => {
                others.remove(&buffer);
                users.push(buffer);
            }
            Kind::Done { buffer, .. } => {
                others.remove(&buffer);
                users.retain(|user| *user != buffer);
            }
            Kind::Init { fence } if is_nowhere(case, fence, others.is_empty()) => {
                let buffer = users.first();
                let observed = "a fence was made, and attached nowhere";
                violations.extend(buffer.map(|buffer| found(case, at, fence, *buffer, observed)));
            }
            _ => {}
        }
    }
    violations
}

/// Whether this fence was attached nowhere, for certain.
fn is_nowhere(case: &Case, fence: FenceId, alone: bool) -> bool {
    let told = case
        .world
        .fences
        .iter()
        .any(|fence| !fence.attaches.is_empty());
    let fence = case.world.fences.get(fence);
    (alone || told) && fence.is_some_and(|fence| fence.attaches.is_empty())
}

fn records<'a>(case: &'a Case) -> impl Iterator<Item = (Moment, Kind)> + 'a {
    let events = case.world.trace.events.iter().enumerate();
    events.filter_map(|(index, event)| match event {
        Event::Ledger(record @ Record { kind, .. }) => Some((Moment::of(index, record), *kind)),
        _ => None,
    })
}
