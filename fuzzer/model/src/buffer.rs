//! `struct vb2_buffer` with its `struct vb2_v4l2_buffer`, as far as programs can tell.
//!
//! C headers: `include/media/videobuf2-core.h`, `include/media/videobuf2-v4l2.h`

use crate::answer::{self, Flags, Look};
use crate::memory::MemoryId;

/// `enum vb2_buffer_state`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Userspace has it.
    Dequeued,
    /// Queued, and the driver has not got it.
    Queued,
    /// The driver has it.
    Active,
    /// Waits for DQBUF.
    Done,
    /// Waits for DQBUF; the driver could not process it.
    Error,
}

/// One buffer. What is `None` is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Buffer {
    pub(crate) state: State,
    /// `prepared`: `__buf_prepare()` is done with it, until DQBUF or STREAMOFF.
    pub(crate) prepared: bool,
    /// `V4L2_BUF_FLAG_LAST`
    pub(crate) last: Option<bool>,
    /// `planes[0].bytesused`
    pub(crate) bytesused: Option<u32>,
    /// `planes[0].length`
    pub(crate) length: Option<u32>,
    /// `planes[0].min_length`
    pub(crate) min_length: Option<u32>,
    pub(crate) sequence: Option<u32>,
    /// The memory that the queue allocated.
    pub(crate) plane: Option<MemoryId>,
    /// The memory of the dma-buf that was imported last.
    pub(crate) import: Option<MemoryId>,
    /// The hardware works on it, and will write so many bytes, if that is known.
    pub(crate) job: Option<Option<u32>>,
}

impl Buffer {
    /// `__vb2_queue_alloc()`
    pub(crate) fn new(length: Option<u32>, plane: Option<MemoryId>) -> Self {
        Self {
            state: State::Dequeued,
            prepared: false,
            last: Some(false),
            bytesused: Some(0),
            length,
            min_length: length,
            sequence: Some(0),
            plane,
            import: None,
            job: None,
        }
    }

    /// Whether it is on its way from QBUF to DQBUF.
    pub(crate) fn is_queued(&self) -> bool {
        self.state != State::Dequeued
    }

    /// `vb2_fill_vb2_v4l2_buffer()`: what userspace says about a buffer replaces what was there.
    pub(crate) fn fill(&mut self) {
        self.last = Some(false);
        self.sequence = Some(0);
    }

    /// `__vb2_dqbuf()`, and what stands around it.
    pub(crate) fn give_back(&mut self) {
        self.state = State::Dequeued;
        self.prepared = false;
        self.job = None;
    }

    /// Forgets what jobs and calls wrote into it.
    pub(crate) fn forget(&mut self) {
        (self.last, self.bytesused, self.sequence) = (None, None, None);
    }

    /// `__fill_v4l2_buffer()` in this state.
    pub(crate) fn look(&self, index: u32, state: State, mapped: Option<bool>) -> Look {
        let state = match state {
            State::Queued | State::Active => answer::QUEUED,
            State::Done => answer::DONE,
            State::Error => answer::DONE | answer::ERROR,
            State::Dequeued if self.prepared => answer::PREPARED,
            State::Dequeued => 0,
        };
        Look {
            index,
            flags: Flags::new(state | answer::TIMESTAMP_COPY)
                .with(answer::LAST, self.last)
                .with(answer::MAPPED, mapped),
            bytesused: self.bytesused,
            length: self.length,
            sequence: self.sequence,
        }
    }
}
