//! What each operation does to the model.

use super::{Export, FileModel, MapModel, Model, RequestModel, Slot};
use crate::driver::PAGE;
use crate::op::{
    CPU_ACCESS_LIMIT, DecoderCmd, Dmabuf, Exporter, File, MAX_ALLOCATION, Memory, Micros, Node, Op,
    Queue, Request, Step, SyncEdge, Wait,
};

/// The agent's limit for DQBUF with `wait`, in microseconds.
const LONGEST_WAIT: u64 = 10_000_000;

impl Model {
    /// Does one step.
    pub(crate) fn apply(&mut self, step: &Step) {
        self.pending += usize::from(step.asynchronous);
        let (op, ok) = (self.handles.resolve(&step.op), self.may_succeed(&step.op));
        if ok {
            self.slot_op(&op);
            self.map_op(&step.op);
            self.request_op(&op);
            self.allocation_op(&op);
            self.queue_op(&op);
            self.waiting_op(&op);
            self.knob_op(&op);
        }
        self.handles.follow(&step.op, ok);
        self.note_slots();
        self.armed |= self.in_flight();
        let files = self.files.iter_mut().filter_map(Slot::live_mut);
        self.time += files.map(FileModel::run_inline).sum::<u64>();
        let held = self.held_bytes();
        self.peak_bytes = self.peak_bytes.max(held);
    }

    /// Whether a call that makes a name for something there is can do so. Others are thought to succeed.
    fn may_succeed(&self, op: &Op) -> bool {
        match *op {
            Op::Open { .. } => !self.unloaded,
            Op::DupFile { from, .. } => self.file(from).is_some(),
            Op::MmapFile {
                map,
                file,
                queue,
                index,
                ..
            } => {
                let content = self.queue(file, queue);
                let mine = content.filter(|content| content.memory == Some(Memory::Mmap));
                let there = mine.is_some_and(|content| content.buffers.len() > index as usize);
                there && !self.handles.is_mapped(map)
            }
            Op::MmapDmabuf { map, dmabuf } => {
                live(&self.dmabufs, dmabuf.0) && !self.handles.is_mapped(map)
            }
            _ => true,
        }
    }

    fn note_slots(&mut self) {
        for slot in self.open_files() {
            self.used[usize::from(slot.0)] = true;
        }
    }

    /// Operations on mappings.
    fn map_op(&mut self, op: &Op) {
        let (map, bytes) = match *op {
            Op::MmapFile {
                map, file, queue, ..
            } => {
                let content = self.queue(file, queue);
                (map, content.map_or(0, super::QueueModel::buffer_bytes))
            }
            Op::MmapDmabuf { map, dmabuf } => {
                (map, self.dmabuf(dmabuf).map_or(0, |export| export.bytes))
            }
            Op::Munmap { map } => return close(&mut self.maps, map.0),
            _ => return,
        };
        set(&mut self.maps, map.0, Slot::Live(MapModel { bytes }));
    }

    /// Operations that make and close slots.
    fn slot_op(&mut self, op: &Op) {
        match *op {
            Op::Open { file, node } => set(
                &mut self.files,
                file.0,
                Slot::Live(FileModel::new(self.driver, node)),
            ),
            Op::Unload => self.unloaded |= !self.files.iter().any(|file| file.live().is_some()),
            Op::Load | Op::Reload => self.unloaded = false,
            Op::CloseFile { file } => {
                self.charge_job(file);
                close(&mut self.files, file.0);
            }
            Op::CloseDmabuf { dmabuf } => close(&mut self.dmabufs, dmabuf.0),
            Op::CloseSync { sync } => close(&mut self.syncs, sync.0),
            Op::DupDmabuf { dmabuf, from } => {
                if let Some(export) = self.dmabuf(from).cloned() {
                    set(&mut self.dmabufs, dmabuf.0, Slot::Live(export));
                }
            }
            Op::DupSync { sync, from } if live(&self.syncs, from.0) => {
                set(&mut self.syncs, sync.0, Slot::Live(()));
            }
            Op::Expbuf {
                dmabuf,
                file,
                queue,
                index,
                ..
            } => self.export(dmabuf, file, queue, index),
            Op::ExportSync { sync, dmabuf, .. } if live(&self.dmabufs, dmabuf.0) => {
                set(&mut self.syncs, sync.0, Slot::Live(()));
            }
            Op::Merge { sync, a, b } if live(&self.syncs, a.0) && live(&self.syncs, b.0) => {
                set(&mut self.syncs, sync.0, Slot::Live(()));
            }
            Op::Allocate {
                dmabuf,
                exporter,
                bytes,
            } => {
                if let Some(bytes) = allocated(exporter, bytes) {
                    let export = Export { bytes, place: None };
                    set(&mut self.dmabufs, dmabuf.0, Slot::Live(export));
                } else {
                    close(&mut self.dmabufs, dmabuf.0);
                }
            }
            Op::SwSync { sync } => {
                set(&mut self.syncs, sync.0, Slot::Live(()));
                set(&mut self.timelines, sync.0, Slot::Live(()));
            }
            Op::Signal { sync } => close(&mut self.timelines, sync.0),
            _ => {}
        }
    }

    /// Operations on media requests.
    fn request_op(&mut self, op: &Op) {
        match *op {
            Op::AllocRequest { request, file } if self.takes_requests(file) => {
                let empty = RequestModel {
                    node: self
                        .open_file(file)
                        .map_or(Node::Double, |model| model.node),
                    buffers: Vec::new(),
                    queued: false,
                };
                set(&mut self.requests, request.0, Slot::Live(empty));
            }
            Op::QueueRequest { request } => {
                let buffers = self.change_request(request, |request| {
                    request.queued |= !request.buffers.is_empty();
                    request.buffers.clone()
                });
                for (file, index) in buffers.unwrap_or_default() {
                    self.with(file, |model| model.queue_mut(Queue::Output).submit(index));
                }
            }
            Op::ReinitRequest { request } => self.empty_request(request),
            Op::CloseRequest { request } => {
                self.empty_request(request);
                close(&mut self.requests, request.0);
            }
            _ => {}
        }
    }

    fn takes_requests(&self, file: File) -> bool {
        self.open_file(file).is_some_and(FileModel::takes_requests)
    }

    fn change_request<T>(
        &mut self,
        request: Request,
        change: impl FnOnce(&mut RequestModel) -> T,
    ) -> Option<T> {
        let slot = self.requests.get_mut(usize::from(request.0))?;
        slot.live_mut().map(change)
    }

    fn add_to_request(&mut self, request: Request, file: File, queue: Queue, index: u32) {
        let open = self.request(request).is_some_and(|request| !request.queued);
        if !open || queue != Queue::Output || !self.takes_requests(file) {
            return;
        }
        self.change_request(request, |request| request.buffers.push((file, index)));
        self.with(file, |model| model.queue_mut(queue).enter_request(index));
    }

    /// What was queued goes its way; what was not is userspace's again.
    fn empty_request(&mut self, request: Request) {
        let buffers = self.change_request(request, |request| {
            request.queued = false;
            std::mem::take(&mut request.buffers)
        });
        for (file, index) in buffers.unwrap_or_default() {
            self.with(file, |model| {
                model.queue_mut(Queue::Output).leave_request(index)
            });
        }
    }

    fn export(&mut self, dmabuf: Dmabuf, file: File, queue: Queue, index: u32) {
        let Some(model) = self.open_queue(file, queue) else {
            return;
        };
        let present = model.buffers.get(index as usize);
        if model.memory == Some(Memory::Mmap) && present.is_some() {
            let bytes = model.buffer_bytes();
            let place = Some((file, queue));
            let export = Export { bytes, place };
            set(&mut self.dmabufs, dmabuf.0, Slot::Live(export));
        }
    }

    /// Operations that set up the queues of a file.
    fn allocation_op(&mut self, op: &Op) {
        match *op {
            Op::SetFormat {
                file,
                queue,
                width,
                height,
                pixels,
            } => {
                self.set_format(file, queue, width, height);
                self.with(file, |model| {
                    if model.takes_planes(queue) {
                        model.queue_mut(queue).ask_pixels(pixels);
                    }
                });
            }
            Op::Reqbufs {
                file,
                queue,
                memory,
                count,
            } => self.with(file, |model| {
                model.queue_mut(queue).allocate(memory, count);
            }),
            Op::CreateBufs {
                file,
                queue,
                memory,
                count,
            } => self.with(file, |model| {
                model.queue_mut(queue).create(memory, count);
            }),
            Op::RemoveBufs {
                file,
                queue,
                index,
                count,
            } => self.with(file, |model| {
                model.queue_mut(queue).remove(index, count);
            }),
            _ => {}
        }
    }

    /// Operations on the buffers of a queue.
    fn queue_op(&mut self, op: &Op) {
        match *op {
            Op::PrepareBuf {
                file,
                queue,
                index,
                dmabuf,
                ..
            } if self.fits(file, queue, dmabuf) => {
                self.with(file, |model| model.queue_mut(queue).prepare(index));
            }
            Op::Qbuf {
                file,
                queue,
                index,
                dmabuf,
                request,
                ..
            } if self.fits(file, queue, dmabuf) => match request {
                None => self.with(file, |model| model.queue_mut(queue).enqueue(index)),
                Some(request) => self.add_to_request(request, file, queue, index),
            },
            Op::Streamon { file, queue } => self.with(file, |model| {
                let queue = model.queue_mut(queue);
                queue.streaming |= queue.has_buffers();
            }),
            Op::Streamoff { file, queue } => {
                self.charge_job(file);
                self.with(file, |model| model.stop(queue));
            }
            _ => {}
        }
    }

    /// Whether a queue takes this kind of memory: an import is named for DMABUF, and only for DMABUF.
    fn fits(&self, file: File, queue: Queue, dmabuf: Option<Dmabuf>) -> bool {
        match self
            .open_queue(file, queue)
            .and_then(|content| content.memory)
        {
            Some(Memory::Mmap | Memory::Userptr) => dmabuf.is_none(),
            Some(Memory::Dmabuf) => dmabuf.is_some_and(|dmabuf| live(&self.dmabufs, dmabuf.0)),
            None => false,
        }
    }

    fn set_format(&mut self, file: File, queue: Queue, width: u32, height: u32) {
        self.with(file, |model| {
            model.queue_mut(queue).ask_size(width, height);
            if queue == Queue::Output && model.driver.formats_both() {
                model.queue_mut(Queue::Capture).ask_size(width, height);
            }
        });
    }

    /// Operations that let virtual time pass.
    fn waiting_op(&mut self, op: &Op) {
        match *op {
            Op::Advance { time }
            | Op::PollSync { timeout: time, .. }
            | Op::PollDmabuf { timeout: time, .. }
            | Op::PollRequest { timeout: time, .. }
            | Op::PollFile { timeout: time, .. } => self.pass(u64::from(time.0)),
            Op::Dqbuf { file, queue, wait } => self.dequeue(file, queue, wait),
            Op::CpuSync {
                edge: SyncEdge::Start,
                ..
            } => self.pass(self.all_jobs() + self.strangers()),
            Op::Join => {
                if self.pending > 0 {
                    self.pass(self.all_jobs());
                }
                self.pending = 0;
            }
            _ => {}
        }
    }

    fn dequeue(&mut self, file: File, queue: Queue, wait: Wait) {
        let Some(model) = self.open_file(file) else {
            return;
        };
        let waits = match wait {
            Wait::Not => false,
            Wait::Poll => model.waits(),
            Wait::Block => model.queue(queue).streaming,
        };
        if waits && !model.queue(queue).has_done() {
            let longest = if model.in_flight() {
                self.all_jobs()
            } else {
                LONGEST_WAIT
            };
            self.pass(longest);
        }
        self.with(file, |model| model.queue_mut(queue).dequeue());
    }

    fn knob_op(&mut self, op: &Op) {
        if !self.driver.knows(op.kind()) {
            return;
        }
        let micros = |time: Micros| u64::from(time.0);
        match *op {
            Op::GateClose { file, chunk } => self.with(file, |model| model.gated = chunk > 0),
            Op::GateOpen { file } => self.with(file, |model| model.gated = false),
            Op::JobTime { file, time } => self.with(file, |model| model.job_time = micros(time)),
            Op::Chunks { file, count, delay } => self.with(file, |model| {
                model.write_time = u64::from(count.min(64)) * micros(delay);
            }),
            Op::Watchdog { file, time } => self.with(file, |model| {
                model.watchdog = micros(time).clamp(1_000, 2_000_000);
            }),
            Op::Completion { file, context } => {
                self.with(file, |model| model.set_completion(context));
            }
            Op::SetKnob { file, knob, value } => {
                self.with(file, |model| model.set_knob(knob, value));
            }
            Op::Fail { file, fault, .. } => self.with(file, |model| model.set_fault(fault)),
            Op::SourceChange {
                file,
                frame,
                width,
                height,
            } => self.with(file, |model| {
                model.set_change(frame, width, height);
            }),
            Op::Subscribe { file, .. } => self.with(file, |model| model.subscribed = true),
            Op::Unsubscribe { file, .. } => self.with(file, |model| model.subscribed = false),
            Op::DecoderCmd { file, cmd } | Op::EncoderCmd { file, cmd } => {
                self.with(file, |model| {
                    model.drained = cmd == DecoderCmd::Stop && !model.in_flight();
                })
            }
            _ => {}
        }
    }

    fn with(&mut self, file: File, change: impl FnOnce(&mut FileModel)) {
        if let Some(model) = self.file_mut(file) {
            change(model);
        }
    }

    fn pass(&mut self, time: u64) {
        self.time += time;
        self.files
            .iter_mut()
            .filter_map(Slot::live_mut)
            .for_each(|file| file.pass(time));
    }

    /// STREAMOFF and close wait for the job in flight.
    fn charge_job(&mut self, file: File) {
        if let Some(model) = self.open_file(file).filter(|model| model.in_flight()) {
            self.time += model.job_micros();
        }
    }

    /// The time until the running jobs are over: files share one device, so their jobs take turns.
    fn all_jobs(&self) -> u64 {
        let busy = self
            .files
            .iter()
            .filter_map(Slot::live)
            .filter(|file| file.in_flight());
        busy.map(FileModel::job_micros).sum()
    }

    /// How long a wait for fences may take that nobody ends.
    fn strangers(&self) -> u64 {
        match self.live_timelines()[..] {
            [] => 0,
            _ => CPU_ACCESS_LIMIT.0.into(),
        }
    }

    fn held_bytes(&self) -> u64 {
        let files = self.files.iter().filter_map(Slot::live);
        let queues = files.flat_map(|file| Queue::ALL.iter().map(|queue| file.queue(*queue)));
        let buffers: u64 = queues.map(super::QueueModel::held_bytes).sum();
        let exports: u64 = self
            .dmabufs
            .iter()
            .filter_map(Slot::live)
            .map(|export| export.bytes)
            .sum();
        let maps = self.maps.iter().filter_map(Slot::live);
        buffers + exports + maps.map(|map| map.bytes).sum::<u64>()
    }
}

/// The size of a dma-buf for which so many bytes are asked for, if there is such a one.
fn allocated(exporter: Exporter, bytes: u32) -> Option<u64> {
    let refused = bytes == 0 || bytes > MAX_ALLOCATION;
    let bytes = u64::from(bytes);
    let whole = bytes.is_multiple_of(PAGE) || exporter == Exporter::Heap;
    (!refused && whole).then(|| bytes.next_multiple_of(PAGE))
}

fn set<T>(slots: &mut [Slot<T>], slot: u8, content: Slot<T>) {
    if let Some(place) = slots.get_mut(usize::from(slot)) {
        *place = content;
    }
}

fn close<T>(slots: &mut [Slot<T>], slot: u8) {
    if let Some(place) = slots.get_mut(usize::from(slot)) {
        place.close();
    }
}

fn live<T>(slots: &[Slot<T>], slot: u8) -> bool {
    slots
        .get(usize::from(slot))
        .is_some_and(|slot| slot.live().is_some())
}
