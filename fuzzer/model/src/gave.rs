//! What QBUF and PREPARE_BUF do to a buffer, whether they succeed or not.
//!
//! C sources: `videobuf2-core.c`, `videobuf2-v4l2.c`

use program::{Memory, Op, Queue};
use trace::Out;

use crate::buffer::{Buffer, Plane, State};
use crate::give::{Brought, Given};
use crate::handle::Handle;
use crate::memory::Memories;
use crate::request::RequestId;
use crate::world::World;

impl World {
    /// QBUF or PREPARE_BUF succeeded.
    pub(crate) fn gave(&mut self, file: u8, op: &Op, out: &Out) {
        let Some(given) = self.given(op) else { return };
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        handle.note_length(&given);
        let asked = handle.asked(&given);
        let content = handle.queue_mut(given.queue);
        if let Some(into) = given.request {
            content.uses_requests = true;
            if let Some(buffer) = content.get_mut(given.index) {
                buffer.put_into(into.id, asked);
                buffer.learn(out);
            }
            return;
        }
        content.uses_qbuf |= !given.prepare;
        let Some(buffer) = content.get_mut(given.index) else {
            return;
        };
        let fresh = !buffer.prepared;
        if fresh {
            buffer.fill();
        }
        buffer.prepared = true;
        let waits = !given.prepare && !buffer.is_taken();
        buffer.learn(out);
        if fresh && given.brought.is_some() {
            acquire(buffer, &given, &mut self.memories);
        }
        if waits {
            content.wait(given.index);
        }
        handle.start_if_ready(given.queue);
        if !given.prepare && handle.forces_last(given.queue) {
            handle.force_last();
        }
    }

    /// QBUF or PREPARE_BUF failed. What has changed by then stays: the flags that userspace gives, and a dma-buf that does
    /// not fit has put the one before away, and its length with it: `__vb2_plane_dmabuf_put()`.
    pub(crate) fn not_given(&mut self, file: u8, op: &Op) {
        let Some(given) = self.given(op) else { return };
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        if given.request.is_some() && given.queue == Queue::Capture {
            return;
        }
        handle.note_length(&given);
        let memory = handle.queue(given.queue).memory;
        let Some(buffer) = handle.queue(given.queue).get(given.index) else {
            return;
        };
        let left = given.request.is_some() && buffer.is_taken();
        if memory != Some(given.memory()) || buffer.prepared || buffer.is_queued() || left {
            return;
        }
        if handle.is_too_long(&given, buffer) == Some(true) {
            return;
        }
        let content = handle.queue_mut(given.queue);
        // The queue is in use with requests, and refuses before it prepares.
        let refused = given.request.is_some() || (!given.prepare && content.uses_requests);
        content.uses_qbuf |= !given.prepare && !refused;
        let Some(buffer) = content.get_mut(given.index) else {
            return;
        };
        buffer.fill();
        if refused || buffer.is_taken() {
            return;
        }
        if given.memory() == Memory::Dmabuf {
            return put_away(buffer, &given, &mut self.memories);
        }
        // `__prepare_mmap()` and `__prepare_userptr()` have written how much is used before the driver refused; of an OUTPUT buffer
        // that is what the agent asked for.
        buffer.bytesused = (given.queue == Queue::Capture).then_some(0);
        if given.memory() == Memory::Userptr {
            let planes = buffer.planes_mut().iter_mut();
            planes.for_each(|plane| plane.length = Some(0));
        }
    }
}

/// `__prepare_dmabuf()` or `__prepare_userptr()` succeeded: what was brought is the buffer's memory now.
fn acquire(buffer: &mut Buffer, given: &Given, memories: &mut Memories) {
    let planes = buffer.planes_mut();
    for (number, memory) in given.memories(planes.len()).enumerate() {
        let plane = &mut planes[number];
        if let Some(memory) = memory {
            memories.hold(memory);
        }
        if let Some(old) = std::mem::replace(&mut plane.import, memory) {
            memories.release(old);
        }
        plane.length = given.size(number).unwrap_or(plane.length);
    }
}

/// `__prepare_dmabuf()` failed, and has put away what the buffer had, or what it had just taken.
fn put_away(buffer: &mut Buffer, given: &Given, memories: &mut Memories) {
    let Some(brought) = given.brought else {
        return;
    };
    let fits = |(plane, import): (&Plane, &Brought)| match (plane.min_length, import) {
        (Some(least), Brought::Dmabuf(Some(size), _)) => *size >= u64::from(least),
        _ => false,
    };
    let taken = buffer.planes().iter().zip(&brought).all(fits);
    if !taken && buffer.planes()[0].import.is_none() {
        return;
    }
    buffer.bytesused = Some(0);
    for plane in buffer.planes_mut() {
        plane.length = Some(0);
        if let Some(old) = plane.import.take() {
            memories.release(old);
        }
    }
}

/// What userspace brought as the memory of a buffer is not known any more, if it did bring some.
pub(crate) fn forget_brought(buffer: &mut Buffer, brought: bool, memories: &mut Memories) {
    if !brought {
        return;
    }
    for plane in buffer.planes_mut() {
        plane.length = None;
        if let Some(old) = plane.import.take() {
            memories.release(old);
            memories.doubt(old);
        }
    }
}

impl Handle {
    /// What the agent says is used of an OUTPUT buffer.
    fn asked(&self, given: &Given) -> Option<u32> {
        let length = self.queue(given.queue).get(given.index)?.length()?;
        self.used(given, length)
    }

    /// The agent remembers how long a buffer is that it fills.
    fn note_length(&mut self, given: &Given) {
        let own = given.memory() == Memory::Userptr;
        if given.queue != Queue::Output || self.device.is_multi() || own {
            return;
        }
        if let Some(length) = self
            .output
            .get(given.index)
            .and_then(|buffer| buffer.length())
        {
            self.filled.entry(given.index).or_insert(length.max(1));
        }
    }
}

impl Buffer {
    /// `vb2_core_qbuf()` into a request.
    fn put_into(&mut self, request: Option<RequestId>, asked: Option<u32>) {
        if !self.prepared {
            self.fill();
            self.asked = asked;
        }
        self.state = State::InRequest;
        self.request = request;
        self.request_fd = true;
    }
}
