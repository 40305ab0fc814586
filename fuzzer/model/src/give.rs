//! QBUF and PREPARE_BUF: `vb2_queue_or_prepare_buf()`, `vb2_core_qbuf()`, `vb2_core_prepare_buf()`.
//!
//! C sources: `videobuf2-core.c`, `videobuf2-v4l2.c`

use program::{Driver, Memory, Queue as Direction};

use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::buffer::{Buffer, State};
use crate::device::Device;
use crate::errno::{EBADR, EBUSY, EINVAL, EPERM};
use crate::format::MAX_PLANES;
use crate::handle::Handle;
use crate::memory::{Memories, MemoryId};
use crate::queue::Queue;
use crate::request::{RequestId, Stage};

/// The size of a dma-buf, if it is known.
pub(crate) type Size = Option<u64>;

/// What userspace brings for a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brought {
    /// Nothing is named: the descriptor is -1, of no length.
    Missing,
    /// The slot is empty: -1 too, but of any length.
    Empty,
    /// A dma-buf, and the memory behind it if that is known.
    Dmabuf(Size, Option<MemoryId>),
    /// Memory of the agent, of that length if it is known: the one that the plane had when it was allocated.
    Own(Option<u32>),
}

/// The request that a buffer is to go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Into {
    /// What the slot holds, if that is a request.
    pub(crate) id: Option<RequestId>,
    /// Whether it is one of this file's media device.
    pub(crate) fits: bool,
    pub(crate) stage: Stage,
}

/// What QBUF and PREPARE_BUF are given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) queue: Direction,
    pub(crate) index: u32,
    /// The memory of each plane, if it is of type DMABUF or USERPTR.
    pub(crate) brought: Option<[Brought; MAX_PLANES]>,
    pub(crate) request: Option<Into>,
    /// PREPARE_BUF
    pub(crate) prepare: bool,
}

impl Given {
    /// The length that userspace says a plane has, if it says one at all and that is known.
    pub(crate) fn size(&self, plane: usize) -> Option<Option<u32>> {
        self.brought.map(|brought| match brought[plane] {
            Brought::Missing => Some(0),
            Brought::Empty => Some(u32::MAX),
            Brought::Dmabuf(size, _) => size.map(|size| u32::try_from(size).unwrap_or(u32::MAX)),
            Brought::Own(length) => length,
        })
    }

    /// `b->memory`
    pub(crate) fn memory(&self) -> Memory {
        match self.brought {
            None => Memory::Mmap,
            Some([Brought::Own(_), ..]) => Memory::Userptr,
            Some(_) => Memory::Dmabuf,
        }
    }

    /// The memories that are named, for so many planes.
    pub(crate) fn memories(&self, planes: usize) -> impl Iterator<Item = Option<MemoryId>> {
        let brought = self.brought.unwrap_or([Brought::Missing; MAX_PLANES]);
        brought.into_iter().take(planes).map(|plane| match plane {
            Brought::Dmabuf(_, memory) => memory,
            _ => None,
        })
    }
}

impl Handle {
    /// What QBUF and PREPARE_BUF must answer.
    pub(crate) fn give(&self, given: &Given, memories: &Memories) -> Guess {
        if given.request.is_some() && given.queue == Direction::Capture {
            return fails(
                EPERM,
                "v4l2_m2m_qbuf() takes no CAPTURE buffer into a request",
            );
        }
        let queue = self.queue(given.queue);
        let Some(buffer) = queue.get(given.index) else {
            return fails(EINVAL, "vb2_get_buffer() finds no such buffer");
        };
        self.refused(given, queue, buffer)
            .or_else(|| self.mode(given, queue))
            .unwrap_or_else(|| self.take(given, buffer, memories))
    }

    /// What `vb2_queue_or_prepare_buf()` refuses, whatever the queue is used with.
    fn refused(&self, given: &Given, queue: &Queue, buffer: &Buffer) -> Option<Guess> {
        if queue.memory != Some(given.memory()) {
            return Some(fails(
                EINVAL,
                "vb2_queue_or_prepare_buf() meets another memory type",
            ));
        }
        if given.request.is_some() && buffer.is_taken() {
            return Some(fails(
                EINVAL,
                "vb2_queue_or_prepare_buf(): only a dequeued buffer goes into a request",
            ));
        }
        if buffer.prepared {
            return None;
        }
        match self.is_too_long(given, buffer) {
            None => Some(unknown("the length of the plane was never told")),
            Some(true) => Some(fails(
                EINVAL,
                "__verify_length(): more bytes are used than the plane was long; a dma-buf that did not fit left it with none",
            )),
            Some(false) => None,
        }
    }

    /// A queue is used with requests or without, until it is stopped.
    fn mode(&self, given: &Given, queue: &Queue) -> Option<Guess> {
        if given.prepare {
            return None;
        }
        let Some(request) = given.request else {
            let why = "vb2_queue_or_prepare_buf(): the queue is used with requests";
            return queue.uses_requests.then(|| fails(EBUSY, why));
        };
        match self.device {
            Device::Converter { .. } => {}
            Device::Other(Driver::Vim2m) => return Some(unknown("requests of this driver")),
            _ => {
                return Some(fails(
                    EBADR,
                    "vb2_queue_or_prepare_buf(): the queue takes no requests",
                ));
            }
        }
        if queue.uses_qbuf {
            let why = "vb2_queue_or_prepare_buf(): the queue is used without requests";
            return Some(fails(EBUSY, why));
        }
        if !request.fits {
            let why = "media_request_get_by_fd() is given no request of this device";
            return Some(fails(EINVAL, why));
        }
        match request.stage {
            Stage::Idle => None,
            Stage::Unclear => Some(unknown("in which state the request is")),
            _ => Some(fails(
                EBUSY,
                "vb2_queue_or_prepare_buf(): the request is not idle",
            )),
        }
    }

    /// `vb2_core_qbuf()` and `vb2_core_prepare_buf()`
    fn take(&self, given: &Given, buffer: &Buffer, memories: &Memories) -> Guess {
        if given.request.is_some() {
            let mut buffer = *buffer;
            if !buffer.prepared {
                buffer.fill();
            }
            buffer.request_fd = true;
            let look = buffer.look(given.index, State::InRequest, memories);
            return ok(
                Told::Buffer(look),
                "vb2_core_qbuf() puts it into the request",
            );
        }
        if buffer.is_taken() {
            return fails(EINVAL, "the buffer is not dequeued: vb2_core_qbuf()");
        }
        if buffer.prepared && given.prepare {
            return fails(EINVAL, "vb2_core_prepare_buf() finds it prepared");
        }
        if !buffer.prepared
            && let Some(refused) = self.prepare(given, buffer)
        {
            return refused;
        }
        self.given(given, buffer, memories)
    }

    /// `__buf_prepare()`; what it answers unless it succeeds.
    pub(crate) fn prepare(&self, given: &Given, buffer: &Buffer) -> Option<Guess> {
        let planes = buffer.planes().iter().enumerate();
        planes
            .clone()
            .find_map(|(number, plane)| has_memory(given, number, plane.min_length))
            .or_else(|| {
                let mut sizes = planes.map(|(number, plane)| {
                    let size = given.size(number).unwrap_or(plane.length);
                    self.room(given.queue, number, size)
                });
                sizes.find_map(|refused| refused)
            })
    }

    /// The double's `buf_prepare`
    fn room(&self, queue: Direction, plane: usize, size: Option<u32>) -> Option<Guess> {
        if !self.device.wants_room() {
            return None;
        }
        let (Some(format), Some(size)) = (self.format(queue), size) else {
            return Some(unknown(
                "the format, or the length of a plane, was never told",
            ));
        };
        let frame = format.bytes().get(plane).copied().unwrap_or(0);
        (size < frame).then(|| fails(EINVAL, "buf_prepare: a frame does not fit"))
    }

    /// `__verify_length()`: whether more of a plane is used than there is, if that is known.
    pub(crate) fn is_too_long(&self, given: &Given, buffer: &Buffer) -> Option<bool> {
        if given.queue == Direction::Capture || given.memory() == Memory::Userptr {
            // All of the agent's memory is used, and no more.
            return Some(false);
        }
        if !self.device.is_multi() {
            // The length of the plane as it was counts, also where a dma-buf is to take its place.
            let length = buffer.length()?;
            return Some(self.used(given, length).is_some_and(|used| used > length));
        }
        // At least one byte is used of each plane, and no more than the dma-buf has.
        let missing = |number: usize| given.size(number) == Some(Some(0));
        Some((0..buffer.planes().len()).any(missing))
    }

    /// What the agent says is used of the first plane of an OUTPUT buffer, if that is known.
    pub(crate) fn used(&self, given: &Given, length: u32) -> Option<u32> {
        if let Some([Brought::Own(own), ..]) = given.brought {
            return own.filter(|_| self.device.is_double());
        }
        if !self.device.is_double() {
            // It asks for the length each time, and fills at least one byte.
            return Some(u32::from(length == 0)).filter(|used| *used > 0);
        }
        let remembered = match self.device.is_multi() {
            true => None,
            false => self.filled.get(&given.index).copied(),
        };
        let known = remembered.unwrap_or(length.max(1));
        match given.size(0) {
            None => Some(known),
            Some(size) => Some(known.min(size?)),
        }
    }
}

/// `__prepare_dmabuf()` and `__prepare_userptr()`, for one plane; what they answer unless they find memory.
fn has_memory(given: &Given, plane: usize, least: Option<u32>) -> Option<Guess> {
    let size = match given.brought?[plane] {
        Brought::Dmabuf(size, _) => size,
        // As much as `__prepare_userptr()` wants.
        Brought::Own(_) => return None,
        Brought::Missing | Brought::Empty => {
            return Some(fails(EINVAL, "__prepare_dmabuf() is given no dma-buf"));
        }
    };
    let (Some(size), Some(least)) = (size, least) else {
        return Some(unknown("the size of the memory was never told"));
    };
    (size < u64::from(least)).then(|| {
        fails(
            EINVAL,
            "__prepare_dmabuf() wants a dma-buf as long as the plane was allocated",
        )
    })
}
