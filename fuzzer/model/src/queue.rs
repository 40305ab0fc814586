//! `struct vb2_queue`: what the calls on one queue answer, and what they do to it.
//!
//! C sources: `videobuf2-core.c`, `videobuf2-v4l2.c`

use std::collections::VecDeque;

use program::Memory;

use crate::answer::{Guess, Told, fails, ok};
use crate::buffer::{Buffer, State};
use crate::errno::{EAGAIN, EBUSY, EINVAL, ENOBUFS, ENOMEM, EPIPE};
use crate::request::RequestId;

/// `VB2_MAX_FRAME`
pub(crate) const MAX_BUFFERS: u32 = 32;

/// One queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// By index; as long as the highest index that was ever used.
    buffers: Vec<Option<Buffer>>,
    /// `memory`; none stands for `VB2_MEMORY_UNKNOWN`.
    pub(crate) memory: Option<Memory>,
    /// `is_busy`: buffers were allocated since the last REQBUFS that freed all. REMOVE_BUFS of the last buffer does not
    /// clear it, so that S_FMT is refused on a queue without buffers: `vb2_core_remove_bufs()`.
    pub(crate) busy: bool,
    pub(crate) streaming: bool,
    /// `start_streaming_called`
    pub(crate) started: bool,
    /// `min_queued_buffers`
    pub(crate) min_queued: u32,
    /// `uses_qbuf`
    pub(crate) uses_qbuf: bool,
    /// `uses_requests`
    pub(crate) uses_requests: bool,
    /// `queued_list`, of the buffers that the driver never got; some may have left it.
    waiting: VecDeque<u32>,
    /// The ready list of mem2mem.
    pub(crate) ready: VecDeque<u32>,
    /// `done_list`
    pub(crate) done: VecDeque<u32>,
    /// `last_buffer_dequeued`
    pub(crate) last_dequeued: bool,
}

impl Queue {
    pub(crate) fn get(&self, index: u32) -> Option<&Buffer> {
        self.buffers.get(index as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut Buffer> {
        self.buffers.get_mut(index as usize)?.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Buffer)> {
        (0..)
            .zip(&self.buffers)
            .filter_map(|(index, buffer)| Some((index, buffer.as_ref()?)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Buffer> {
        self.buffers.iter_mut().flatten()
    }

    /// Indices of the buffers in a request.
    pub(crate) fn in_request(&self, request: RequestId) -> impl Iterator<Item = u32> {
        let bound = move |(_, buffer): &(u32, &Buffer)| buffer.request == Some(request);
        self.iter().filter(bound).map(|(index, _)| index)
    }

    /// `vb2_get_num_buffers()`
    pub(crate) fn count(&self) -> u32 {
        self.iter().count() as u32
    }

    /// `queued_list` is not empty: a buffer stays on it until DQBUF.
    pub(crate) fn has_queued(&self) -> bool {
        self.iter().any(|(_, buffer)| buffer.is_queued())
    }

    /// `vb2_can_start_streaming()`
    pub(crate) fn can_start(&self) -> bool {
        let waits = |state| matches!(state, State::Queued | State::Active);
        let waiting = || self.iter().filter(|(_, buffer)| waits(buffer.state));
        self.streaming
            && !self.started
            && (self.min_queued == 0 || waiting().count() >= self.min_queued as usize)
    }

    /// QBUF took the buffer.
    pub(crate) fn wait(&mut self, index: u32) {
        if let Some(buffer) = self.get_mut(index) {
            buffer.state = State::Queued;
            self.waiting.retain(|waiting| *waiting != index);
            self.waiting.push_back(index);
        }
    }

    /// The first buffer that waits for the driver is done without it.
    pub(crate) fn finish_waiting(&mut self) -> Option<&mut Buffer> {
        let waits = |index: &u32| {
            let buffer = self.get(*index);
            buffer.is_some_and(|buffer| buffer.state == State::Queued)
        };
        let index = *self.waiting.iter().find(|index| waits(index))?;
        self.finish(index, State::Done);
        self.get_mut(index)
    }

    /// `vb2_core_reqbufs()`, with the most buffers that the driver gives.
    pub(crate) fn reqbufs(&self, count: u32, most: u32) -> Guess {
        if self.streaming {
            return fails(
                EBUSY,
                "vb2_core_reqbufs() wants a queue that does not stream",
            );
        }
        // `min_reqbufs_allocation`
        let least = self.min_queued + 1;
        let count = match count {
            0 => 0,
            count => count.max(least).min(MAX_BUFFERS).min(most),
        };
        if count > 0 && count < least {
            return fails(
                ENOMEM,
                "vb2_core_reqbufs() gets fewer buffers than streaming needs",
            );
        }
        let told = Told::Buffers { index: 0, count };
        ok(told, "vb2_core_reqbufs() allocates what fits")
    }

    /// `vb2_create_bufs()`, with the most buffers that the driver gives.
    pub(crate) fn create_bufs(&self, memory: Memory, count: u32, most: u32) -> Guess {
        let present = self.count();
        if count == 0 {
            let told = Told::Buffers {
                index: present,
                count,
            };
            return ok(
                told,
                "vb2_create_bufs() of no buffer tells how many there are",
            );
        }
        if present == MAX_BUFFERS {
            return fails(ENOBUFS, "vb2_core_create_bufs() finds no free index");
        }
        if present > 0 && self.memory != Some(memory) {
            return fails(
                EINVAL,
                "vb2_core_create_bufs() finds buffers of another memory",
            );
        }
        let (index, count) = self.area(count.min(MAX_BUFFERS - present).min(most));
        ok(
            Told::Buffers { index, count },
            "__vb2_queue_alloc() takes the first free indices",
        )
    }

    /// `bitmap_find_next_zero_area()`, for fewer and fewer buffers.
    fn area(&self, wanted: u32) -> (u32, u32) {
        let free = |index: u32| self.get(index).is_none();
        (1..=wanted)
            .rev()
            .find_map(|count| {
                let starts = 0..=MAX_BUFFERS - count;
                let mut fitting = starts.filter(|start| (*start..start + count).all(free));
                Some((fitting.next()?, count))
            })
            .unwrap_or((0, 0))
    }

    /// `vb2_core_remove_bufs()`
    pub(crate) fn remove_bufs(&self, start: u32, count: u32) -> Guess {
        if count == 0 {
            return ok(Told::Done, "vb2_core_remove_bufs() has nothing to do");
        }
        if count > self.count() || start > MAX_BUFFERS - count {
            return fails(EINVAL, "vb2_core_remove_bufs() has not so many buffers");
        }
        for index in start..start + count {
            match self.get(index) {
                None => return fails(EINVAL, "vb2_core_remove_bufs() misses a buffer"),
                Some(buffer) if buffer.is_taken() => {
                    return fails(EBUSY, "vb2_core_remove_bufs() meets a queued buffer");
                }
                Some(_) => {}
            }
        }
        ok(Told::Done, "vb2_core_remove_bufs() finds them dequeued")
    }

    /// `vb2_core_streamon()`
    pub(crate) fn streamon(&self) -> Guess {
        if self.streaming {
            return ok(Told::Done, "vb2_core_streamon() finds the queue streaming");
        }
        if self.count() == 0 {
            return fails(EINVAL, "vb2_core_streamon() finds no buffers");
        }
        if self.count() < self.min_queued {
            return fails(
                EINVAL,
                "vb2_core_streamon() finds fewer buffers than the driver needs",
            );
        }
        ok(Told::Done, "vb2_core_streamon() finds buffers")
    }

    /// `__vb2_wait_for_done_vb()`, without waiting; or the buffer that is dequeued.
    pub(crate) fn first_done(&self) -> Result<(u32, &Buffer), Guess> {
        if !self.streaming {
            return Err(fails(
                EINVAL,
                "__vb2_wait_for_done_vb() finds the queue not streaming",
            ));
        }
        if self.last_dequeued {
            return Err(fails(
                EPIPE,
                "__vb2_wait_for_done_vb() finds that the last buffer was dequeued",
            ));
        }
        let first = self.done.front();
        first
            .and_then(|index| Some((*index, self.get(*index)?)))
            .ok_or_else(|| {
                fails(
                    EAGAIN,
                    "__vb2_wait_for_done_vb() finds nothing on the done list",
                )
            })
    }

    /// Buffers that the kernel allocated.
    pub(crate) fn insert(&mut self, index: u32, buffer: Buffer) {
        let index = index as usize;
        if self.buffers.len() <= index {
            self.buffers.resize(index + 1, None);
        }
        self.buffers[index] = Some(buffer);
        self.busy = true;
    }

    /// `__vb2_queue_free()`; the buffers that are gone are told.
    pub(crate) fn remove(&mut self, start: u32, count: u32, mut gone: impl FnMut(&Buffer)) {
        let end = start.saturating_add(count).min(MAX_BUFFERS);
        for index in start..end {
            let place = self.buffers.get_mut(index as usize);
            if let Some(buffer) = place.and_then(Option::take) {
                gone(&buffer);
            }
        }
        if self.count() == 0 {
            self.memory = None;
        }
    }

    /// `__vb2_queue_cancel()`
    pub(crate) fn cancel(&mut self) {
        self.streaming = false;
        self.started = false;
        self.uses_qbuf = false;
        self.uses_requests = false;
        self.waiting.clear();
        self.ready.clear();
        self.done.clear();
        self.iter_mut().for_each(Buffer::give_back);
    }

    /// The driver got a buffer: `__enqueue_in_driver()`.
    pub(crate) fn enqueue(&mut self, index: u32) {
        if let Some(buffer) = self.get_mut(index) {
            buffer.state = State::Active;
        }
    }

    /// `v4l2_m2m_buf_queue()`
    pub(crate) fn push_ready(&mut self, index: u32) {
        if !self.ready.contains(&index) {
            self.ready.push_back(index);
        }
    }

    /// `vb2_buffer_done()`; says whether the driver had the buffer.
    pub(crate) fn finish(&mut self, index: u32, state: State) -> bool {
        self.ready.retain(|ready| *ready != index);
        let Some(buffer) = self.get_mut(index) else {
            return false;
        };
        let had = buffer.state == State::Active;
        buffer.state = state;
        if state != State::Queued && !self.done.contains(&index) {
            self.done.push_back(index);
        }
        had
    }

    /// DQBUF returned this buffer.
    pub(crate) fn dequeue(&mut self, index: u32) {
        self.done.retain(|done| *done != index);
        if let Some(buffer) = self.get_mut(index) {
            buffer.give_back();
        }
    }
}
