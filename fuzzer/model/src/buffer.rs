//! `struct vb2_buffer` with its `struct vb2_v4l2_buffer`, as far as programs can tell.
//!
//! C headers: `include/media/videobuf2-core.h`, `include/media/videobuf2-v4l2.h`

use crate::answer::{self, Flags, Look};
use crate::format::MAX_PLANES;
use crate::memory::{Memories, MemoryId};
use crate::request::RequestId;

/// `enum vb2_buffer_state`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Userspace has it.
    Dequeued,
    /// It is in a request that was not queued.
    InRequest,
    /// Queued, and the driver has not got it.
    Queued,
    /// The driver has it.
    Active,
    /// Waits for DQBUF.
    Done,
    /// Waits for DQBUF; the driver could not process it.
    Error,
}

/// One memory of a buffer. What is `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) length: Option<u32>,
    pub(crate) min_length: Option<u32>,
    /// The memory that the queue allocated.
    pub(crate) memory: Option<MemoryId>,
    /// The memory of the dma-buf that was imported last.
    pub(crate) import: Option<MemoryId>,
}

/// What the hardware makes of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// Bytes that it will write, if that is known.
    pub(crate) bytes: Option<u32>,
    /// The buffer has its sequence number already.
    pub(crate) numbered: bool,
}

/// One buffer. What is `None` is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Buffer {
    pub(crate) state: State,
    /// `prepared`: `__buf_prepare()` is done with it, until DQBUF or STREAMOFF.
    pub(crate) prepared: bool,
    /// `V4L2_BUF_FLAG_LAST`
    pub(crate) last: Option<bool>,
    /// `planes[0].bytesused`
    pub(crate) bytesused: Option<u32>,
    /// What userspace said of it in a request: it counts when the request is queued.
    pub(crate) asked: Option<u32>,
    pub(crate) sequence: Option<u32>,
    planes: [Plane; MAX_PLANES],
    count: usize,
    /// The hardware works on it.
    pub(crate) job: Option<Job>,
    /// `is_held`: the job that wrote it was not its last.
    pub(crate) held: bool,
    /// `req_obj.req`
    pub(crate) request: Option<RequestId>,
    /// `request_fd` is one, as `V4L2_BUF_FLAG_REQUEST_FD` tells.
    pub(crate) request_fd: bool,
}

impl Buffer {
    /// `__vb2_queue_alloc()`, with these planes.
    pub(crate) fn new(planes: impl Iterator<Item = Plane>) -> Self {
        let (mut all, mut count) = ([Plane::default(); MAX_PLANES], 0);
        for (place, plane) in all.iter_mut().zip(planes) {
            *place = plane;
            count += 1;
        }
        Self {
            state: State::Dequeued,
            prepared: false,
            last: Some(false),
            bytesused: Some(0),
            asked: None,
            sequence: Some(0),
            planes: all,
            count,
            job: None,
            held: false,
            request: None,
            request_fd: false,
        }
    }

    /// Its memories; there is a first in any case.
    pub(crate) fn planes(&self) -> &[Plane] {
        &self.planes[..self.count]
    }

    pub(crate) fn planes_mut(&mut self) -> &mut [Plane] {
        &mut self.planes[..self.count]
    }

    /// `planes[0].length`
    pub(crate) fn length(&self) -> Option<u32> {
        self.planes[0].length
    }

    /// Whether userspace cannot give it.
    pub(crate) fn is_taken(&self) -> bool {
        self.state != State::Dequeued
    }

    /// Whether it is on its way from QBUF to DQBUF: on `queued_list`.
    pub(crate) fn is_queued(&self) -> bool {
        !matches!(self.state, State::Dequeued | State::InRequest)
    }

    /// `vb2_fill_vb2_v4l2_buffer()`: what userspace says about a buffer replaces what was there. Also if the call fails
    /// later: one that forgets the request of a buffer in a request lets it lose `V4L2_BUF_FLAG_REQUEST_FD`.
    pub(crate) fn fill(&mut self) {
        self.last = Some(false);
        self.sequence = Some(0);
        self.held = false;
        self.request_fd = false;
    }

    /// `__vb2_dqbuf()`, and what stands around it.
    pub(crate) fn give_back(&mut self) {
        self.state = State::Dequeued;
        self.prepared = false;
        self.job = None;
        self.request = None;
        self.request_fd = false;
    }

    /// `media_request_clean()`: it leaves a request that was not queued.
    pub(crate) fn leave_request(&mut self) {
        self.request = None;
        if self.state == State::InRequest {
            self.state = State::Dequeued;
            self.request_fd = false;
        }
    }

    /// Forgets what jobs and calls wrote into it.
    pub(crate) fn forget(&mut self) {
        (self.last, self.bytesused, self.sequence) = (None, None, None);
    }

    /// `vb2_buffer_in_use()`, if that is known.
    fn is_mapped(&self, memories: &Memories) -> Option<bool> {
        let mut unclear = false;
        for memory in self.planes().iter().filter_map(|plane| plane.memory) {
            match memories.is_in_use(memory) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => unclear = true,
            }
        }
        (!unclear).then_some(false)
    }

    /// `__fill_v4l2_buffer()` in this state.
    pub(crate) fn look(&self, index: u32, state: State, memories: &Memories) -> Look {
        let mut flags = match state {
            State::Queued | State::Active => answer::QUEUED,
            State::Done => answer::DONE,
            State::Error => answer::DONE | answer::ERROR,
            State::InRequest => answer::IN_REQUEST,
            State::Dequeued => 0,
        };
        if self.prepared && matches!(state, State::Dequeued | State::InRequest) {
            flags |= answer::PREPARED;
        }
        if self.request_fd {
            flags |= answer::REQUEST_FD;
        }
        Look {
            index,
            flags: Flags::new(flags | answer::TIMESTAMP_COPY)
                .with(answer::LAST, self.last)
                .with(answer::MAPPED, self.is_mapped(memories)),
            bytesused: self.bytesused,
            length: self.length(),
            sequence: self.sequence,
        }
    }
}
