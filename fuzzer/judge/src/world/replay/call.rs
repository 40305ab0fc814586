//! Calls that returned.

use program::{Interest, Memory, Op, Queue, SyncEdge};
use trace::{BufferId, Call, Content, Looked, Out};

use super::super::memory::{Epoch, MemoryId};
use super::super::place::Place;
use super::super::sight::{
    ContentSight, Dequeue, Drain, Failure, Orphan, PollSight, Removal, Source, Through, Unload,
    Wait,
};
use super::super::span::{Span, is_async};
use super::super::{POLLIN, POLLOUT};
use super::Replay;

impl Replay<'_> {
    pub(super) fn call(&mut self, event: usize, call: &Call) {
        let span = self.timeline.call(event, call);
        let Some(op) = self.op(call.op) else { return };
        if !is_async(self.program, call.op) {
            let completion = self.in_requests.call(&self.places, span, op, call);
            self.sights.completions.extend(completion);
            self.main_call(span, op, call);
            self.orphan(event);
            self.seen(span, op, call);
            self.current = None;
        } else if let Some(at) = self.flying.iter().position(|flying| flying.op == call.op) {
            let flying = self.flying.remove(at);
            self.landed = call.end;
            if call.result.is_ok() {
                self.strangers.finish(call.op, &span);
            }
            if flying.versions == self.versions(op) && !self.is_refilled(op) {
                self.seen(span, op, call);
            }
        }
    }

    /// The end of a main-thread call: slots, files and queues change.
    fn main_call(&mut self, span: Span, op: &Op, call: &Call) {
        let ok = call.result.is_ok();
        match *op {
            Op::Open { file, .. } => {
                // Whatever the slot held is closed first.
                self.close_file(file.0);
                if ok {
                    self.places.open(file.0);
                }
            }
            Op::CloseFile { file } if ok => {
                let alone = !self.is_busy(file.0, |_| true);
                let places: Vec<_> = self.places.places(file.0).collect();
                // A call that still runs holds the file open.
                for place in places.into_iter().filter(|_| alone) {
                    self.sights.drains.push(Drain { span, place, alone });
                }
                self.close_file(file.0);
            }
            Op::Reqbufs {
                file,
                queue,
                memory,
                count,
            } if ok => {
                self.reqbufs(file.0, queue, memory, count, call);
            }
            // `vb2_core_reqbufs()` may have freed what there was before it found no memory.
            Op::Reqbufs { file, queue, .. } if call.result == Err(ENOMEM) => {
                if let Some(place) = self.places.place(file.0, queue) {
                    self.memories.doubt(place);
                }
            }
            Op::CreateBufs {
                file,
                queue,
                memory,
                ..
            } => {
                self.create_bufs(file.0, queue, memory, call);
            }
            Op::RemoveBufs {
                file,
                queue,
                index,
                count,
            } if ok => self.remove_bufs(span, (file.0, queue), index, count),
            Op::Reload => self.unload(span, call),
            Op::Dqbuf { file, queue, .. } => self.dequeue(file.0, queue, call),
            Op::Streamoff { file, queue } if ok => {
                if let Some(place) = self.places.place(file.0, queue) {
                    self.streamoff(place);
                }
            }
            _ => self.slot_call(span, op, call),
        }
    }

    /// The end of a call that fills or closes a dma-buf or sync_file slot.
    fn slot_call(&mut self, span: Span, op: &Op, call: &Call) {
        let ok = call.result.is_ok();
        match *op {
            Op::CloseDmabuf { dmabuf } => self.dmabufs.close(dmabuf.0, ok),
            Op::AllocRequest { request, .. } | Op::CloseRequest { request } => {
                self.requests.remove(&request.0);
            }
            Op::CloseSync { sync } => self.syncs.close(sync.0, ok),
            Op::Expbuf {
                dmabuf,
                file,
                queue,
                index,
                plane,
            } => {
                let place = self.places.place(file.0, queue);
                let memory = place.and_then(|place| self.memories.of((place, index), plane));
                self.dmabufs.fill(dmabuf.0, ok.then_some(memory));
            }
            Op::Allocate { dmabuf, .. } => {
                let memory = ok.then(|| Some(self.memories.fresh()));
                self.dmabufs.fill(dmabuf.0, memory);
            }
            Op::SwSync { sync } => self.software_fence(span, sync.0, call),
            Op::Signal { sync } if ok => self.strangers.signal(sync.0, &span),
            // One that fails leaves all as it was.
            Op::DupDmabuf { dmabuf, from } if ok => {
                let memory = self.dmabufs.get(from.0).copied();
                self.dmabufs.fill(dmabuf.0, memory);
            }
            Op::DupSync { sync, from } if ok => {
                let file = self.syncs.get(from.0).cloned();
                self.syncs.fill(sync.0, file);
            }
            Op::MmapFile {
                map,
                file,
                queue,
                index,
                plane,
            } if ok => {
                let place = self.places.place(file.0, queue);
                let memory = place.and_then(|place| self.memories.of((place, index), plane));
                self.maps.fill(map.0, Some(memory));
            }
            Op::MmapDmabuf { map, dmabuf } if ok => {
                self.maps.fill(map.0, Some(self.memory(dmabuf.0)));
            }
            Op::Munmap { map } => self.maps.close(map.0, ok),
            Op::ExportSync {
                sync,
                dmabuf,
                access,
            } => {
                let memory = self.memory(dmabuf.0);
                self.refused_export(span, dmabuf.0, call);
                self.export(span, sync.0, Source::Export { memory, access }, call);
            }
            Op::Merge { sync, a, b } => self.merge(span, sync.0, [a.0, b.0], call),
            _ => {}
        }
    }

    /// All video files were closed after the program. A call that still runs holds its file open.
    pub(super) fn videos_closed(&mut self, span: Span) {
        if self.flying.is_empty() {
            for file in self.places.open_files() {
                let drains = self.places.places(file);
                let drains = drains.map(|place| Drain {
                    span,
                    place,
                    alone: true,
                });
                self.sights.drains.extend(drains);
                self.close_file(file);
            }
            self.orphan(span.event);
        }
    }

    fn close_file(&mut self, file: u8) {
        let held = self.is_busy(file, |_| true);
        for place in self.places.close(file) {
            if !held {
                self.memories.forget(place);
            }
        }
    }

    fn reqbufs(&mut self, file: u8, queue: Queue, memory: Memory, asked: u32, call: &Call) {
        let Some(place) = self.places.place(file, queue) else {
            return;
        };
        let count = match call.result {
            Ok(Out::Buffers { count, .. }) => count.min(asked),
            _ => asked,
        };
        self.memories.reqbufs(place, memory, count);
        if self.is_busy(file, changes_buffers) {
            self.memories.doubt(place);
        }
    }

    fn create_bufs(&mut self, file: u8, queue: Queue, memory: Memory, call: &Call) {
        let place = self.places.place(file, queue);
        if let (Some(place), Ok(Out::Buffers { index, count })) = (place, &call.result) {
            self.memories.create_bufs(place, memory, *index, *count);
        }
    }

    fn remove_bufs(&mut self, span: Span, (file, queue): (u8, Queue), index: u32, count: u32) {
        let Some(place) = self.places.place(file, queue) else {
            return;
        };
        self.sights.removals.push(Removal {
            span,
            place,
            index,
            count,
        });
        if !self.is_busy(file, changes_buffers) {
            self.memories.remove_bufs(place, index, count);
        }
    }

    /// The driver is unloaded and loaded again. Open files and requests keep it, and so do calls that still run.
    fn unload(&mut self, span: Span, call: &Call) {
        const ENOENT: i32 = 2;
        let mut steps = self.program.steps.iter();
        let requests = steps.any(|step| matches!(step.op, Op::AllocRequest { .. }));
        let runs = !self.flying.is_empty() || self.landed >= call.start;
        let open = !self.places.open_files().is_empty() || runs;
        match call.result {
            Err(errno) if !open && !requests && errno != ENOENT && !is_shortage(errno) => {
                let (event, op) = (span.event, call.op);
                self.sights.unloads.push(Unload { event, op, errno });
            }
            _ => {}
        }
    }

    /// Notes which memories have lost their buffers.
    fn orphan(&mut self, event: usize) {
        let gone = self.memories.take_orphans().into_iter();
        self.sights
            .orphans
            .extend(gone.map(|memory| Orphan { event, memory }));
    }

    fn dequeue(&mut self, file: u8, queue: Queue, call: &Call) {
        let place = self.places.place(file, queue);
        if let (Some(place), Ok(Out::Buffer { index, .. })) = (place, &call.result) {
            if self.is_busy(file, queues_buffer) {
                self.memories.unprepare_maybe(place);
            } else {
                self.memories.dequeue((place, *index));
            }
        }
    }

    fn streamoff(&mut self, place: Place) {
        if self.is_busy(place.file, queues_buffer) {
            self.memories.unprepare_maybe(place);
        } else {
            self.memories.streamoff(place);
        }
    }

    /// What any call tells an observer.
    fn seen(&mut self, span: Span, op: &Op, call: &Call) {
        match (op, &call.result) {
            (Op::Streamoff { file, queue } | Op::Reqbufs { file, queue, .. }, Ok(_)) => {
                self.drained(span, file.0, *queue);
            }
            (Op::Dqbuf { file, queue, .. }, Ok(Out::Buffer { index, flags, .. })) => {
                self.dequeued(span, (file.0, *queue, *index), *flags);
            }
            (Op::FileInfo { sync } | Op::PollSync { sync, .. }, Ok(Out::Sync(info))) => {
                let file = self.syncs.get(sync.0).cloned().unwrap_or_default();
                self.sync_seen(span, sync.0, info, file);
            }
            (Op::PollSync { sync, .. }, Ok(Out::Polled { revents: 0 })) => {
                self.timed_out(span, sync.0);
            }
            (
                Op::FileInfo { sync } | Op::PollSync { sync, .. } | Op::SetDeadline { sync, .. },
                Err(errno),
            ) if self.syncs.get(sync.0).is_some() && !is_shortage(*errno) => {
                self.failed(span, Looked::Sync, sync.0, *errno);
            }
            (
                Op::PollDmabuf {
                    dmabuf, interest, ..
                },
                Ok(Out::Polled { revents }),
            ) => {
                let events = match interest {
                    Interest::In => POLLIN,
                    Interest::Out => POLLOUT,
                    Interest::Pri => return,
                };
                self.polled(span, dmabuf.0, events, *revents);
            }
            (
                Op::ImportSync {
                    dmabuf,
                    sync,
                    access,
                },
                Ok(_),
            ) => self.imported(span, dmabuf.0, sync.0, *access),
            (
                Op::CpuSync {
                    dmabuf,
                    edge: SyncEdge::Start,
                    ..
                },
                _,
            ) => {
                let (slot, memory) = (dmabuf.0, self.memory(dmabuf.0));
                self.sights.waits.push(Wait { span, slot, memory });
            }
            (Op::Check { .. } | Op::Touch { .. }, Ok(Out::Content(content))) => {
                self.checked(span, op, *content);
            }
            _ => {}
        }
    }

    fn drained(&mut self, span: Span, file: u8, queue: Queue) {
        let alone = !self.is_busy(file, |_| true);
        if let Some(place) = self.places.place(file, queue) {
            self.sights.drains.push(Drain { span, place, alone });
        }
    }

    fn dequeued(&mut self, span: Span, (file, queue, index): (u8, Queue, u32), flags: u32) {
        let place = self.places.place(file, queue);
        if let Some(number) = place.and_then(|place| self.places.number(place)) {
            let output = queue == Queue::Output;
            let buffer = BufferId {
                queue: number,
                output,
                index,
            };
            self.sights.dequeues.push(Dequeue {
                span,
                buffer,
                flags,
            });
        }
    }

    pub(super) fn failed(&mut self, span: Span, what: Looked, slot: u8, errno: i32) {
        let Span { event, op, .. } = span;
        self.sights.failures.push(Failure {
            event,
            op,
            what,
            slot,
            errno,
        });
    }

    pub(super) fn polled(&mut self, span: Span, slot: u8, events: u16, revents: u16) {
        if let Some(memory) = self.memory(slot) {
            self.sights.polls.push(PollSight {
                span,
                slot,
                memory,
                events,
                revents,
            });
        }
    }

    fn checked(&mut self, span: Span, op: &Op, content: Content) {
        let Some((through, memory)) = self.looked_at(op) else {
            return;
        };
        let now = self.memories.quiet(memory);
        let Some((_, before)) = self.current.filter(|(op, _)| Some(*op) == span.op) else {
            return;
        };
        if let (Some(epoch), true) = (now, now == before) {
            self.content(span, through, memory, content, epoch);
        }
    }

    pub(super) fn content(
        &mut self,
        span: Span,
        through: Through,
        memory: MemoryId,
        content: Content,
        epoch: Epoch,
    ) {
        let write = self.memories.last_write(memory);
        let sight = ContentSight {
            span,
            through,
            memory,
            content,
            epoch,
            write,
        };
        self.sights.contents.push(sight);
    }
}

const ENOMEM: i32 = 12;

/// Lack of memory or descriptors, or a signal: no fault of what was asked for.
pub(super) fn is_shortage(errno: i32) -> bool {
    const EINTR: i32 = 4;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    [EINTR, ENOMEM, ENFILE, EMFILE].contains(&errno.abs())
}

fn queues_buffer(op: &Op) -> bool {
    matches!(op, Op::Qbuf { .. } | Op::QueueRequest { .. })
}

fn changes_buffers(op: &Op) -> bool {
    matches!(
        op,
        Op::Qbuf { .. }
            | Op::QueueRequest { .. }
            | Op::PrepareBuf { .. }
            | Op::Reqbufs { .. }
            | Op::CreateBufs { .. }
            | Op::RemoveBufs { .. }
    )
}
