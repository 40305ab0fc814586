//! Records of the ledger.

use program::{Op, Queue};
use trace::{BufferId, FenceId, Kind, Phase, Record};

use super::super::buffer::{Happening, STATE_QUEUED};
use super::super::fence::Attach;
use super::super::memory::{Slot, Write};
use super::super::place::feeds;
use super::super::span::Moment;
use super::Replay;

impl Replay<'_> {
    pub(super) fn record(&mut self, at: Moment, record: &Record) {
        self.fences.record(at, &record.kind);
        self.buffers.record(at, &record.kind);
        match record.kind {
            Kind::Queue { buffer } => {
                self.learn(buffer);
                let slot = self.slot(buffer);
                self.takers.extend(slot.map(|(place, _)| (at.index, place)));
                self.memories.driver_takes(buffer, slot);
            }
            Kind::Attach {
                fence,
                buffer,
                plane,
                usage,
                resv,
            } => {
                let place = self.places.owner(buffer.queue);
                let slot = self.slot(buffer);
                let memory = slot.and_then(|slot| self.memories.of(slot, plane));
                if let Some(slot) = slot {
                    self.memories.fenced(slot, plane);
                }
                self.fences.attach(
                    fence,
                    Attach {
                        at,
                        buffer,
                        plane,
                        usage,
                        resv,
                        place,
                        memory,
                    },
                );
            }
            Kind::Signal { fence, .. } => {
                if let Some(buffer) = self.fences.get(fence).and_then(|fence| fence.buffer()) {
                    let slot = self.slot(buffer);
                    self.memories.driver_gives(buffer, slot);
                }
            }
            Kind::Done { buffer, state } if state != STATE_QUEUED => {
                let slot = self.slot(buffer);
                self.memories.job_ends(buffer, state);
                self.memories.driver_gives(buffer, slot);
            }
            Kind::Job {
                buffer,
                job,
                phase: Phase::Start,
            } => {
                let fence = self.last_fence(buffer, at);
                let write = Write {
                    job,
                    buffer,
                    fence,
                    ended: None,
                };
                let slot = self.slot(buffer);
                self.memories.job_starts(write, slot);
            }
            _ => {}
        }
    }

    fn learn(&mut self, buffer: BufferId) {
        let current = self.current.map(|(op, _)| op);
        let running = self.flying.iter().map(|flying| flying.op).chain(current);
        let steps = &self.program.steps;
        let ops = running.filter_map(|op| steps.get(usize::from(op)).map(|step| &step.op));
        let fed: Vec<_> = ops.flat_map(|op| self.fed(op)).collect();
        self.places
            .learn(buffer.queue, buffer.output, fed.into_iter());
    }

    /// The queues whose buffers this call may hand to the driver.
    fn fed(&self, op: &Op) -> Vec<(u8, Queue)> {
        match op {
            Op::QueueRequest { request } => {
                let files = self.requests.get(&request.0).into_iter().flatten();
                files.map(|file| (*file, Queue::Output)).collect()
            }
            _ => feeds(op).into_iter().collect(),
        }
    }

    fn slot(&self, buffer: BufferId) -> Option<Slot> {
        self.places
            .owner(buffer.queue)
            .map(|place| (place, buffer.index))
    }

    /// The fence with which the buffer was armed for the job that starts now.
    fn last_fence(&self, buffer: BufferId, at: Moment) -> Option<FenceId> {
        let history = self.buffers.get(buffer);
        history
            .before(at.index)
            .find_map(|(_, happening)| match happening {
                Happening::Attach(fence) => Some(Some(fence)),
                Happening::Queue => Some(None),
                _ => None,
            })?
    }
}
