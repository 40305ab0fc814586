//! I11 of a driver that tells nothing of its jobs: what is certain without. A job needs a buffer of each queue, the device
//! works on one job at a time, and a buffer that the driver does not have is no job's.

use std::collections::HashMap;

use trace::{BufferId, Event, FenceId, Kind};

use super::{Case, name};
use crate::invariant::Invariant::I11;
use crate::violation::Violation;
use crate::world::fence::Attach;
use crate::world::place::Place;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let expectation = case.expectation;
    let silent = expectation.one_job && !expectation.tells_jobs;
    if expectation.may_attach && !silent {
        return Vec::new();
    }
    let mut driver = Driver::default();
    let mut violations = Vec::new();
    for (index, event) in case.world.trace.events.iter().enumerate() {
        let Event::Ledger(record) = event else {
            continue;
        };
        if let Kind::Attach { fence, buffer, .. } = record.kind
            && let Some(observed) = fault(case, &driver, index, fence, buffer)
        {
            let expected = format!(
                "the fence of {} is attached when a job starts on it",
                name(buffer)
            );
            violations.push(case.recorded(I11, index, fence, expected, observed.to_owned()));
        }
        driver.record(&record.kind, case.world.takers.get(&index).copied());
    }
    violations
}

/// What is wrong with an attachment.
fn fault(
    case: &Case,
    driver: &Driver,
    index: usize,
    fence: FenceId,
    buffer: BufferId,
) -> Option<&'static str> {
    let attaches = case.world.fences.get(fence).map(|fence| &fence.attaches);
    let attach = attaches?.iter().find(|attach| attach.at.index == index)?;
    if !case.expectation.may_attach {
        return Some("it was attached by a driver that was told to attach none");
    }
    if !driver.has(buffer) {
        return Some("it was attached to a buffer that the driver does not have");
    }
    if !driver.has_partner(attach) {
        return Some("it was attached while the driver had no buffer of the other queue");
    }
    let busy = driver.pending.iter().any(|(other, pending)| {
        pending.output == buffer.output && *other != fence && *pending != buffer
    });
    busy.then_some("it was attached while another job of the device was running")
}

/// What the driver has.
#[derive(Default)]
struct Driver {
    buffers: Vec<(BufferId, Option<Place>)>,
    /// Attached fences that are not signalled.
    pending: HashMap<FenceId, BufferId>,
}

impl Driver {
    fn record(&mut self, kind: &Kind, owner: Option<Place>) {
        match *kind {
            Kind::Queue { buffer } => self.buffers.push((buffer, owner)),
            Kind::Done { buffer, .. } => self.buffers.retain(|(mine, _)| *mine != buffer),
            Kind::Attach { fence, buffer, .. } => {
                self.pending.insert(fence, buffer);
            }
            Kind::Signal { fence, .. } => {
                self.pending.remove(&fence);
            }
            _ => {}
        }
    }

    fn has(&self, buffer: BufferId) -> bool {
        self.buffers.iter().any(|(mine, _)| *mine == buffer)
    }

    /// Whether it may have a buffer that a job could use together with this one.
    fn has_partner(&self, attach: &Attach) -> bool {
        let same_file = |owner: Option<Place>| match (owner, attach.place) {
            (Some(owner), Some(mine)) => owner.opening == mine.opening,
            _ => true,
        };
        let mut buffers = self.buffers.iter();
        buffers.any(|(other, owner)| other.output != attach.buffer.output && same_file(*owner))
    }
}
