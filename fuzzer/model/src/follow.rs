//! What a call does to the world, once the kernel has answered it. The answer is what counts: so a call that the model did
//! not predict, or predicted wrongly, does not mislead it about all that follows.

use program::{Completion, Driver, EventKind, File, Map, Memory, Node, Op, Pixels, Queue};
use trace::Out;

use crate::answer;
use crate::buffer::{Buffer, State};
use crate::device;
use crate::errno::ENOMEM;
use crate::event;
use crate::handle::{Given, Handle};
use crate::memory::MemoryId;
use crate::part::Parts;
use crate::world::{Export, Mapped, World, file_of};

impl World {
    /// The kernel answered this.
    pub(crate) fn follow(&mut self, op: &Op, answer: &Result<Out, i32>) {
        self.lost |= matches!(op, Op::FailNth { .. });
        match answer {
            Ok(out) => self.followed(op, out),
            Err(errno) => self.refused(op, *errno),
        }
    }

    fn followed(&mut self, op: &Op, out: &Out) {
        if self.slot(op, out) {
            return;
        }
        if let Some(file) = leads_astray(op)
            && let Some(handle) = self.files.get_mut(&file.0)
        {
            handle.known = false;
        }
        match *op {
            Op::Reqbufs {
                file,
                queue,
                memory,
                ..
            } => {
                self.free(file.0, queue, 0, u32::MAX);
                if let Some(handle) = self.files.get_mut(&file.0) {
                    handle.queue_mut(queue).busy = false;
                    handle.filled.clear();
                }
                self.allocated(file.0, queue, memory, out);
                self.doubt = self.doubt & !Parts::queue(file, queue);
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
                    handle.forget_lengths(queue, index, count);
                }
            }
            Op::PrepareBuf { file, .. } | Op::Qbuf { file, .. } => self.gave(file.0, op, out),
            Op::Streamoff { file, queue } => {
                self.stopped(file.0, queue);
                self.doubt = self.doubt & !Parts::states(file, queue);
            }
            _ => {
                if let Some(handle) = file_of(op).and_then(|file| self.files.get_mut(&file.0)) {
                    handle.followed(op, out);
                }
            }
        }
    }

    /// Operations that make and close slots.
    fn slot(&mut self, op: &Op, out: &Out) -> bool {
        match *op {
            Op::Unload => self.unloaded = true,
            Op::AllocRequest { .. } => self.requested = true,
            Op::Open { file, node } => {
                self.close(file.0);
                let known = node == Node::Double;
                self.files.insert(file.0, Handle::new(self.driver, known));
                self.doubt = self.doubt & !Parts::file(file);
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
                ..
            } => {
                let handle = self.files.get(&file.0);
                let buffer = handle.and_then(|handle| handle.queue(queue).get(index));
                self.mapped(map, Some(file.0), buffer.and_then(|buffer| buffer.plane));
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
            }
            Op::ExportSync { sync, .. } | Op::Merge { sync, .. } => {
                self.syncs.insert(sync.0);
            }
            Op::Expbuf {
                dmabuf,
                file,
                queue,
                index,
                ..
            } => {
                self.close_dmabuf(dmabuf.0);
                self.exported(dmabuf.0, (file.0, queue, index), out);
            }
            Op::PollDmabuf { dmabuf, .. } => {
                if let Some(memory) = self.memory_of(dmabuf.0) {
                    self.memories.doubt(memory);
                }
            }
            _ => return false,
        }
        true
    }

    /// What a call did although it failed.
    fn refused(&mut self, op: &Op, errno: i32) {
        match *op {
            // The slot is vacated first.
            Op::Expbuf { dmabuf, .. } => self.close_dmabuf(dmabuf.0),
            Op::ExportSync { sync, .. } => {
                self.syncs.remove(&sync.0);
            }
            Op::Merge { sync, a, b } if sync != a && sync != b => {
                self.syncs.remove(&sync.0);
            }
            // `vb2_core_reqbufs()` has freed what there was.
            Op::Reqbufs { file, queue, .. } if errno == ENOMEM => {
                self.free(file.0, queue, 0, u32::MAX);
                if let Some(handle) = self.files.get_mut(&file.0) {
                    handle.queue_mut(queue).busy = false;
                }
            }
            Op::PrepareBuf { file, .. } | Op::Qbuf { file, .. } => self.not_given(file.0, op),
            Op::CloseFile { file } => self.close(file.0),
            Op::CloseDmabuf { dmabuf } => self.close_dmabuf(dmabuf.0),
            Op::CloseSync { sync } => {
                self.syncs.remove(&sync.0);
            }
            _ => {}
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
        for queue in [Queue::Output, Queue::Capture] {
            self.free(file, queue, 0, u32::MAX);
        }
        self.files.remove(&file);
        // Only munmap() of the last of them can have closed it.
        self.maps.retain(|_, map| map.file != Some(file));
        self.places.retain(|_, (place, _)| *place != file);
    }

    fn exported(&mut self, dmabuf: u8, (file, queue, index): (u8, Queue, u32), out: &Out) {
        let buffer = self
            .files
            .get(&file)
            .and_then(|handle| handle.queue(queue).get(index));
        let memory = buffer.and_then(|buffer| buffer.plane);
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

    /// `__vb2_queue_free()`
    fn free(&mut self, file: u8, queue: Queue, start: u32, count: u32) {
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        let content = handle.queue_mut(queue);
        if count == u32::MAX {
            content.cancel();
        }
        for memory in content
            .remove(start, count)
            .into_iter()
            .filter_map(|buffer| buffer.import)
        {
            self.memories.release(memory);
        }
    }

    /// `__vb2_queue_alloc()`
    fn allocated(&mut self, file: u8, queue: Queue, memory: Memory, out: &Out) {
        let (Some(handle), &Out::Buffers { index, count }) = (self.files.get_mut(&file), out)
        else {
            return;
        };
        let doubt = self.doubt & Parts::formats(File(file));
        let length = handle.size(queue).filter(|_| doubt.is_empty());
        let content = handle.queue_mut(queue);
        for index in index..index.saturating_add(count) {
            let plane = (memory == Memory::Mmap).then(|| self.memories.allocate(length));
            content.insert(index, Buffer::new(length, plane));
        }
        if count > 0 {
            content.memory = Some(memory);
        }
    }

    /// QBUF or PREPARE_BUF succeeded.
    fn gave(&mut self, file: u8, op: &Op, out: &Out) {
        let Some(given) = self.given(op) else { return };
        let import = match *op {
            Op::Qbuf { dmabuf, .. } | Op::PrepareBuf { dmabuf, .. } => {
                dmabuf.and_then(|dmabuf| self.memory_of(dmabuf.0))
            }
            _ => None,
        };
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        handle.note_length(given);
        let Some(buffer) = handle.queue_mut(given.queue).get_mut(given.index) else {
            return;
        };
        let fresh = !buffer.prepared;
        if fresh {
            buffer.fill();
        }
        buffer.prepared = true;
        if !given.prepare && !buffer.is_queued() {
            buffer.state = State::Queued;
        }
        buffer.learn(out);
        if let Some(import) = import.filter(|_| fresh && given.import.is_some()) {
            self.memories.hold(import);
            if let Some(old) = buffer.import.replace(import) {
                self.memories.release(old);
            }
        }
    }

    /// QBUF or PREPARE_BUF failed. What has changed by then stays: the flags that userspace gives, and a dma-buf that does
    /// not fit has put the one before away, and its length with it: `__vb2_plane_dmabuf_put()`.
    fn not_given(&mut self, file: u8, op: &Op) {
        let Some(given) = self.given(op) else { return };
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        handle.note_length(given);
        let imports = handle.queue(given.queue).memory == Some(Memory::Dmabuf);
        let Some(buffer) = handle.queue(given.queue).get(given.index) else {
            return;
        };
        if given.import.is_some() != imports || buffer.prepared || buffer.is_queued() {
            return;
        }
        let used = buffer
            .length
            .filter(|_| given.queue == Queue::Output)
            .and_then(|length| handle.used(given, length));
        let too_long = used.is_some_and(|used| buffer.length.is_some_and(|length| used > length));
        let Some(buffer) = handle.queue_mut(given.queue).get_mut(given.index) else {
            return;
        };
        if too_long {
            return;
        }
        buffer.fill();
        let fits = given.import.flatten().flatten().is_some_and(|size| {
            buffer
                .min_length
                .is_some_and(|least| size >= u64::from(least))
        });
        if imports && !given.request && (buffer.import.is_some() || fits) {
            buffer.length = Some(0);
            buffer.bytesused = Some(0);
            if let Some(old) = buffer.import.take() {
                self.memories.release(old);
            }
        }
    }

    /// STREAMOFF succeeded.
    fn stopped(&mut self, file: u8, queue: Queue) {
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        let streamed = handle.queue(queue).streaming;
        handle.queue_mut(queue).cancel();
        handle.queue_mut(queue).last_dequeued = false;
        if streamed {
            match queue {
                Queue::Output => handle.m2m.stop_output(),
                Queue::Capture => handle.m2m.stop_capture(),
            }
        }
    }
}

/// The file of which the model knows nothing any more after this: its jobs, or its frames, are of a kind that the model
/// has not learnt.
fn leads_astray(op: &Op) -> Option<File> {
    match *op {
        Op::SetKnob { file, .. } | Op::EncoderCmd { file, .. } => Some(file),
        Op::DecoderCmd {
            file,
            cmd:
                program::DecoderCmd::Pause | program::DecoderCmd::Resume | program::DecoderCmd::Flush,
        } => Some(file),
        Op::SetFormat { file, pixels, .. } if pixels != Pixels::First => Some(file),
        Op::Completion {
            file,
            context: Completion::Lock | Completion::Pipelined,
        } => Some(file),
        _ => None,
    }
}

/// `V4L2_EVENT_*`
fn number(event: EventKind) -> u32 {
    match event {
        EventKind::Eos => event::EOS,
        EventKind::SourceChange => event::SOURCE_CHANGE,
    }
}

impl Handle {
    fn followed(&mut self, op: &Op, out: &Out) {
        match (op, out) {
            (Op::SetFormat { queue, .. } | Op::GetFormat { queue, .. }, out) => {
                self.learn_format(*queue, out, matches!(op, Op::SetFormat { .. }));
            }
            (Op::Querybuf { queue, index, .. }, out) => {
                if let Some(buffer) = self.queue_mut(*queue).get_mut(*index) {
                    buffer.learn(out);
                }
            }
            (Op::Dqbuf { queue, .. }, Out::Buffer { index, flags, .. }) => {
                let content = self.queue_mut(*queue);
                if let Some(buffer) = content.get_mut(*index) {
                    buffer.learn(out);
                }
                content.dequeue(*index);
                content.last_dequeued |= *queue == Queue::Capture && flags & answer::LAST != 0;
            }
            (Op::Streamon { queue, .. }, _) => self.start(*queue),
            (Op::DecoderCmd { cmd, .. }, _) => self.commanded(*cmd),
            (Op::Subscribe { event, .. }, _) => self.events.subscribe(number(*event)),
            (Op::Unsubscribe { event, .. }, _) => self.events.unsubscribe(number(*event)),
            (Op::Dqevent { .. }, _) => self.events.take(),
            (
                Op::SourceChange {
                    frame,
                    width,
                    height,
                    ..
                },
                _,
            ) => {
                self.m2m.change = (*frame > 0).then_some((*width, *height));
                self.m2m.ordered = true;
            }
            _ => {}
        }
    }

    fn learn_format(&mut self, queue: Queue, out: &Out, set: bool) {
        let Out::Format {
            width,
            height,
            sizeimage,
        } = *out
        else {
            return;
        };
        // The stream of a real decoder decides about CAPTURE, and can change it at any time.
        let moves = self.driver == Driver::VicodecDecoder && queue == Queue::Capture;
        self.set_format(queue, (!moves).then_some((width, height, sizeimage)));
        if set && queue == Queue::Output && device::formats_follow(self.driver) {
            let follows = self.driver == Driver::Double;
            match (follows, self.capture.busy) {
                (true, true) => {}
                (true, false) => self.set_format(Queue::Capture, Some((width, height, sizeimage))),
                (false, _) => self.set_format(Queue::Capture, None),
            }
        }
    }

    /// `vb2_start_streaming()`
    fn start(&mut self, queue: Queue) {
        if std::mem::replace(&mut self.queue_mut(queue).streaming, true) {
            return;
        }
        self.m2m.sequences[usize::from(queue == Queue::Capture)] = 0;
        if queue == Queue::Output {
            self.m2m.last_src = None;
        }
    }

    fn commanded(&mut self, cmd: program::DecoderCmd) {
        if !(self.output.streaming && self.capture.streaming) {
            return;
        }
        match cmd {
            program::DecoderCmd::Stop => {
                let last = self.output.ready.back().copied();
                self.m2m.drain(last, !self.capture.ready.is_empty());
            }
            program::DecoderCmd::Pause
            | program::DecoderCmd::Resume
            | program::DecoderCmd::Flush => {}
            program::DecoderCmd::Start => {
                self.m2m.go_on();
                self.capture.last_dequeued = false;
            }
        }
    }

    /// The agent remembers how long a buffer is that it fills.
    fn note_length(&mut self, given: Given) {
        if given.queue != Queue::Output {
            return;
        }
        if let Some(length) = self
            .output
            .get(given.index)
            .and_then(|buffer| buffer.length)
        {
            self.filled.entry(given.index).or_insert(length.max(1));
        }
    }

    fn forget_lengths(&mut self, queue: Queue, start: u32, count: u32) {
        if queue == Queue::Output {
            let range = start..start.saturating_add(count);
            self.filled.retain(|index, _| !range.contains(index));
        }
    }
}

impl Buffer {
    /// What a call told of it.
    fn learn(&mut self, out: &Out) {
        let Out::Buffer {
            flags,
            bytesused,
            length,
            sequence,
            ..
        } = *out
        else {
            return;
        };
        self.last = Some(flags & answer::LAST != 0);
        self.bytesused = Some(bytesused);
        self.length = Some(length);
        self.sequence = Some(sequence);
        self.min_length = self.min_length.or(Some(length));
    }
}
