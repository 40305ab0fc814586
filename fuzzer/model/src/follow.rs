//! What a call does to the world, once the kernel has answered it. The answer is what counts: so a call that the model did
//! not predict, or predicted wrongly, does not mislead it about all that follows.

mod controls;
mod handle;

use program::{Exporter, File, MAX_FILES, Map, Memory, Op, Queue, SyncEdge};
use trace::Out;

use crate::buffer::{Buffer, Plane};
use crate::device::Device;
use crate::errno::{EINTR, ENOMEM};
use crate::handle::Handle;
use crate::memory::MemoryId;
use crate::part::Parts;
use crate::world::{Export, Mapped, World, file_of};

impl World {
    /// The kernel answered this.
    pub(crate) fn follow(&mut self, op: &Op, answer: &Result<Out, i32>) {
        match answer {
            Ok(out) => self.followed(op, out),
            Err(errno) => self.refused(op, *errno),
        }
    }

    fn followed(&mut self, op: &Op, out: &Out) {
        if self.slot(op, out) {
            return;
        }
        match *op {
            Op::Reqbufs {
                file,
                queue,
                memory,
                ..
            } => {
                self.free_all(file.0, queue, *out == NO_BUFFERS);
                if let Some(handle) = self.files.get_mut(&file.0) {
                    handle.filled.clear();
                }
                self.is_certain(file, Parts::queue(file, queue));
                self.allocated(file.0, queue, memory, out);
            }
            Op::CreateBufs {
                file,
                queue,
                memory,
                ..
            } => self.allocated(file.0, queue, memory, out),
            Op::RemoveBufs {
                file,
                queue,
                index,
                count,
            } => {
                self.free(file.0, queue, index, count);
                if let Some(handle) = self.files.get_mut(&file.0) {
                    // The agent asks again for the length of each.
                    handle.filled.clear();
                }
            }
            Op::PrepareBuf { file, .. } | Op::Qbuf { file, .. } => self.gave(file.0, op, out),
            Op::EncoderCmd { file, cmd } => {
                if let Some(handle) = self.files.get_mut(&file.0) {
                    handle.commanded(cmd);
                }
                // How an encoder drains the model has not learnt.
                self.doubt |=
                    Parts::states(file, Queue::Output) | Parts::states(file, Queue::Capture);
                self.doubt |= Parts::stream(file) | Parts::events(file);
            }
            Op::GetControl { .. } | Op::SetControl { .. } => self.controlled(op, out),
            Op::Streamoff { file, queue } => {
                self.stopped(file.0, queue);
                self.is_certain(file, Parts::states(file, queue));
            }
            _ => {
                if let Some(handle) = file_of(op).and_then(|file| self.files.get_mut(&file.0)) {
                    handle.followed(op, out);
                }
            }
        }
    }

    /// A call has left no doubt about these parts of a file. Where another open file shares them, the doubt may be about that.
    fn is_certain(&mut self, file: File, parts: Parts) {
        let shares = |other: &u8| *other != file.0 && other % MAX_FILES == file.0 % MAX_FILES;
        if !self.files.keys().any(shares) {
            self.doubt = self.doubt & !parts;
        }
    }

    /// Operations that make and close slots.
    fn slot(&mut self, op: &Op, out: &Out) -> bool {
        match *op {
            Op::Unload => self.loaded = Some(false),
            Op::Load | Op::Reload => self.loaded = Some(true),
            Op::AllocRequest { request, file } => self.allocated_request(request.0, file.0),
            Op::CloseRequest { request } => {
                self.requests.remove(&request.0);
                self.doubt = self.doubt & !Parts::request(request);
            }
            Op::QueueRequest { request } => self.queued_request(request.0),
            Op::ReinitRequest { request } => self.emptied_request(request.0),
            Op::Open { file, node } => {
                self.close(file.0);
                let device = Device::of(self.driver, node);
                self.files.insert(file.0, Handle::new(device));
                self.is_certain(file, Parts::file(file));
            }
            Op::DupFile { .. } | Op::Touch { .. } => {}
            Op::DupDmabuf { dmabuf, from } => {
                let export = self.dmabufs.get(&from.0).copied();
                if let Some(memory) = export.and_then(|export| export.memory) {
                    self.memories.hold(memory);
                }
                self.close_dmabuf(dmabuf.0);
                self.dmabufs.extend(export.map(|export| (dmabuf.0, export)));
            }
            Op::DupSync { sync, .. } => drop(self.syncs.insert(sync.0)),
            Op::MmapFile {
                map,
                file,
                queue,
                index,
                plane,
            } => {
                let handle = self.files.get(&file.0);
                let buffer = handle.and_then(|handle| handle.queue(queue).get(index));
                let plane = buffer.and_then(|buffer| buffer.planes().get(plane as usize));
                self.mapped(map, Some(file.0), plane.and_then(|plane| plane.memory));
            }
            Op::MmapDmabuf { map, dmabuf } => {
                self.mapped(map, None, self.memory_of(dmabuf.0));
            }
            Op::Munmap { map } => {
                let gone = self.maps.remove(&map.0);
                if let Some(memory) = gone.and_then(|map| map.memory) {
                    self.memories.release(memory);
                }
            }
            Op::CloseFile { file } => self.close(file.0),
            Op::CloseDmabuf { dmabuf } => self.close_dmabuf(dmabuf.0),
            Op::CloseSync { sync } => {
                self.syncs.remove(&sync.0);
                self.doubt = self.doubt & !Parts::sync(sync);
            }
            Op::Allocate {
                dmabuf, exporter, ..
            } => {
                self.close_dmabuf(dmabuf.0);
                self.allocated_elsewhere(dmabuf.0, exporter, out);
            }
            Op::Signal { .. } => {}
            Op::CpuSync { dmabuf, edge, .. } => self.accessed(dmabuf.0, edge, true),
            Op::SwSync { sync } => {
                self.syncs.insert(sync.0);
                self.timelines.insert(sync.0);
                self.doubt = self.doubt & !Parts::sync(sync);
            }
            Op::ExportSync { sync, .. } | Op::Merge { sync, .. } => {
                self.syncs.insert(sync.0);
                self.doubt = self.doubt & !Parts::sync(sync);
            }
            Op::Expbuf {
                dmabuf,
                file,
                queue,
                index,
                plane,
            } => {
                self.close_dmabuf(dmabuf.0);
                self.exported(dmabuf.0, (file.0, queue, index, plane), out);
            }
            Op::PollDmabuf { dmabuf, .. } => self.polled(dmabuf.0),
            _ => return false,
        }
        true
    }

    /// What a call did although it failed.
    fn refused(&mut self, op: &Op, errno: i32) {
        match *op {
            // The slot is vacated first.
            Op::Expbuf { dmabuf, .. } | Op::Allocate { dmabuf, .. } => self.close_dmabuf(dmabuf.0),
            // The exporter is asked before the fences are waited for.
            Op::CpuSync { dmabuf, edge, .. } => self.accessed(dmabuf.0, edge, errno == EINTR),
            Op::AllocRequest { request, .. } => {
                self.requests.remove(&request.0);
            }
            Op::Open { file, .. } => self.close(file.0),
            Op::ExportSync { sync, .. } | Op::SwSync { sync } => {
                self.syncs.remove(&sync.0);
            }
            Op::Merge { sync, a, b } if sync != a && sync != b => {
                self.syncs.remove(&sync.0);
            }
            // `vb2_core_reqbufs()` has freed what there was.
            Op::Reqbufs { file, queue, .. } if errno == ENOMEM => {
                self.free_all(file.0, queue, false);
            }
            // How far it came is not known; or the agent had no memory, and it was not made.
            Op::PrepareBuf { .. } | Op::Qbuf { .. } if errno == ENOMEM && self.brings_own(op) => {
                self.shaken(op, true);
            }
            Op::PrepareBuf { file, .. } | Op::Qbuf { file, .. } => self.not_given(file.0, op),
            Op::CloseFile { file } => self.close(file.0),
            Op::CloseDmabuf { dmabuf } => self.close_dmabuf(dmabuf.0),
            Op::CloseSync { sync } => {
                self.syncs.remove(&sync.0);
            }
            Op::CloseRequest { request } => {
                self.requests.remove(&request.0);
            }
            Op::SetControl { .. } => self.not_controlled(op, errno),
            _ => {}
        }
    }

    /// `dma_buf_poll()` keeps a dma-buf until the fence has ended that it found, even if the call has long returned.
    pub(crate) fn polled(&mut self, dmabuf: u8) {
        if let Some(memory) = self.memory_of(dmabuf) {
            self.memories.doubt(memory);
        }
    }

    /// The memory behind a dma-buf slot.
    pub(crate) fn memory_of(&self, dmabuf: u8) -> Option<usize> {
        self.dmabufs.get(&dmabuf)?.memory
    }

    fn mapped(&mut self, map: Map, file: Option<u8>, memory: Option<MemoryId>) {
        if let Some(memory) = memory {
            self.memories.hold(memory);
        }
        self.maps.insert(map.0, Mapped { file, memory });
    }

    fn close_dmabuf(&mut self, dmabuf: u8) {
        if let Some(Export {
            memory: Some(memory),
            ..
        }) = self.dmabufs.remove(&dmabuf)
        {
            self.memories.release(memory);
        }
    }

    /// The last close of a file.
    pub(crate) fn close(&mut self, file: u8) {
        if self.lingers {
            self.doubt_memory_of(file);
        }
        for queue in [Queue::Output, Queue::Capture] {
            self.cancel(file, queue);
            self.free(file, queue, 0, u32::MAX);
        }
        self.unbind_controls(file);
        self.files.remove(&file);
        // Only munmap() of the last of them can have closed it.
        self.maps.retain(|_, map| map.file != Some(file));
        self.places.retain(|_, (place, _)| *place != file);
    }

    /// A call may keep the file open, and with it what its buffers stand on.
    fn doubt_memory_of(&mut self, file: u8) {
        let Some(handle) = self.files.get(&file) else {
            return;
        };
        let queues = [Queue::Output, Queue::Capture].map(|queue| handle.queue(queue));
        let buffers = queues.into_iter().flat_map(|queue| queue.iter());
        let memories: Vec<_> = buffers
            .flat_map(|(_, buffer)| buffer.planes())
            .flat_map(|plane| [plane.memory, plane.import])
            .flatten()
            .collect();
        memories
            .into_iter()
            .for_each(|memory| self.memories.doubt(memory));
    }

    fn exported(
        &mut self,
        dmabuf: u8,
        (file, queue, index, plane): (u8, Queue, u32, u32),
        out: &Out,
    ) {
        let buffer = self
            .files
            .get(&file)
            .and_then(|handle| handle.queue(queue).get(index));
        let plane = buffer.and_then(|buffer| buffer.planes().get(plane as usize));
        let memory = plane.and_then(|plane| plane.memory);
        let size = match *out {
            Out::Exported { size } => Some(size),
            _ => None,
        };
        if let Some(memory) = memory {
            self.memories.hold(memory);
            if let Some(size) = size {
                self.memories.set_size(memory, size);
            }
        }
        self.dmabufs.insert(dmabuf, Export { memory, size });
    }

    fn allocated_elsewhere(&mut self, dmabuf: u8, exporter: Exporter, out: &Out) {
        let size = match *out {
            Out::Exported { size } => Some(size),
            _ => None,
        };
        let id = self
            .memories
            .made_elsewhere(size, exporter == Exporter::Heap);
        self.memories.hold(id);
        let memory = Some(id);
        self.dmabufs.insert(dmabuf, Export { memory, size });
    }

    /// A CPU access began, or may have if that is not sure.
    fn accessed(&mut self, dmabuf: u8, edge: SyncEdge, sure: bool) {
        if let (Some(memory), SyncEdge::Start) = (self.memory_of(dmabuf), edge) {
            self.memories.make_ready(memory, sure);
        }
    }

    /// `__vb2_queue_cancel()`
    fn cancel(&mut self, file: u8, queue: Queue) {
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        let controls = handle.controls.clone();
        let content = handle.queue_mut(queue);
        for request in content.iter_mut().filter_map(|buffer| buffer.request) {
            self.all_requests[request].lost_its_buffer(file, &controls);
        }
        content.cancel();
    }

    /// What REQBUFS does before it allocates. Without buffers it does nothing, so that a queue that lost all of them to
    /// REMOVE_BUFS is still the queue that it was.
    pub(crate) fn free_all(&mut self, file: u8, queue: Queue, to_none: bool) {
        let handle = self.files.get(&file);
        let empty = handle.is_none_or(|handle| handle.queue(queue).count() == 0);
        if empty && !to_none {
            return;
        }
        self.cancel(file, queue);
        self.free(file, queue, 0, u32::MAX);
        if let Some(handle) = self.files.get_mut(&file) {
            handle.queue_mut(queue).busy = false;
        }
    }

    /// `__vb2_queue_free()`
    fn free(&mut self, file: u8, queue: Queue, start: u32, count: u32) {
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        let memories = &mut self.memories;
        handle.queue_mut(queue).remove(start, count, |buffer| {
            for import in buffer.planes().iter().filter_map(|plane| plane.import) {
                memories.release(import);
            }
        });
    }

    /// `__vb2_queue_alloc()`
    fn allocated(&mut self, file: u8, queue: Queue, memory: Memory, out: &Out) {
        let (Some(handle), &Out::Buffers { index, count }) = (self.files.get_mut(&file), out)
        else {
            return;
        };
        let doubt = self.doubt & Parts::formats(File(file));
        let format = handle.format(queue).filter(|_| doubt.is_empty());
        let content = handle.queue_mut(queue);
        let memories = &mut self.memories;
        for index in index..index.saturating_add(count) {
            let plane = |length: Option<u32>| Plane {
                length,
                min_length: length,
                memory: (memory == Memory::Mmap).then(|| memories.allocate(length)),
                import: None,
            };
            let buffer = match &format {
                Some(format) => Buffer::new(format.bytes().iter().copied().map(Some).map(plane)),
                None => Buffer::new(std::iter::once(None).map(plane)),
            };
            content.insert(index, buffer);
        }
        if count > 0 {
            content.memory = Some(memory);
        }
        if !doubt.is_empty() {
            // Nor how many planes they have.
            self.doubt |= Parts::allocated(File(file), queue);
        }
    }

    /// STREAMOFF succeeded.
    fn stopped(&mut self, file: u8, queue: Queue) {
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        let content = handle.queue(queue);
        let streamed = content.started;
        self.cancel(file, queue);
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        handle.queue_mut(queue).last_dequeued = false;
        if streamed {
            match queue {
                Queue::Output => {
                    handle.m2m.told = false;
                    handle.m2m.stop_output();
                }
                Queue::Capture => handle.m2m.stop_capture(),
            }
        }
    }
}

/// What REQBUFS of no buffer tells.
const NO_BUFFERS: Out = Out::Buffers { index: 0, count: 0 };
