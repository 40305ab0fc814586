//! An open file: two queues, mem2mem's state, formats and events.

use std::collections::BTreeMap;

use program::{Driver, Interest, Queue as Direction};

use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::buffer::{Buffer, State};
use crate::device::{self, Format};
use crate::errno::{EBADR, EINVAL, EPERM};
use crate::event::Events;
use crate::m2m::M2m;
use crate::memory::Memories;
use crate::queue::Queue;

const POLLIN: u16 = 1;
const POLLPRI: u16 = 2;
const POLLOUT: u16 = 4;
const POLLERR: u16 = 8;

/// An open file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) driver: Driver,
    /// False for a node that the model has not learnt: it says nothing of its calls.
    pub(crate) known: bool,
    pub(crate) output: Queue,
    pub(crate) capture: Queue,
    pub(crate) m2m: M2m,
    pub(crate) events: Events,
    /// Formats of OUTPUT and CAPTURE, as far as they are known.
    pub(crate) formats: [Option<Format>; 2],
    /// The lengths of OUTPUT buffers that the agent remembers, to fill them.
    pub(crate) filled: BTreeMap<u32, u32>,
}

/// What QBUF and PREPARE_BUF are given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) queue: Direction,
    pub(crate) index: u32,
    /// The size of the dma-buf that is named: none if none is, `Some(None)` if its slot is empty.
    pub(crate) import: Option<Option<Size>>,
    /// It goes into a request.
    pub(crate) request: bool,
    /// PREPARE_BUF
    pub(crate) prepare: bool,
}

/// The size of a dma-buf, if it is known.
pub(crate) type Size = Option<u64>;

impl Handle {
    /// A file that was just opened.
    pub(crate) fn new(driver: Driver, known: bool) -> Self {
        Self {
            driver,
            known,
            output: Queue::default(),
            capture: Queue::default(),
            m2m: M2m::default(),
            events: Events::default(),
            formats: [device::first_format(driver); 2],
            filled: BTreeMap::new(),
        }
    }

    pub(crate) fn queue(&self, queue: Direction) -> &Queue {
        match queue {
            Direction::Output => &self.output,
            Direction::Capture => &self.capture,
        }
    }

    pub(crate) fn queue_mut(&mut self, queue: Direction) -> &mut Queue {
        match queue {
            Direction::Output => &mut self.output,
            Direction::Capture => &mut self.capture,
        }
    }

    pub(crate) fn format(&self, queue: Direction) -> Option<Format> {
        self.formats[usize::from(queue == Direction::Capture)]
    }

    /// Bytes of a frame.
    pub(crate) fn size(&self, queue: Direction) -> Option<u32> {
        self.format(queue).map(|(_, _, size)| size)
    }

    pub(crate) fn set_format(&mut self, queue: Direction, format: Option<Format>) {
        self.formats[usize::from(queue == Direction::Capture)] = format;
    }

    /// Whether the model knows how the driver ends a stream.
    pub(crate) fn tells_last(&self) -> bool {
        self.driver == Driver::Double && self.known
    }

    /// QBUF and PREPARE_BUF: `vb2_queue_or_prepare_buf()`, `vb2_core_qbuf()`, `vb2_core_prepare_buf()`.
    pub(crate) fn give(&self, given: Given, memories: &Memories) -> Guess {
        if given.request && given.queue == Direction::Capture {
            return fails(
                EPERM,
                "v4l2_m2m_qbuf() takes no CAPTURE buffer into a request",
            );
        }
        let queue = self.queue(given.queue);
        let Some(buffer) = queue.get(given.index) else {
            return fails(EINVAL, "vb2_get_buffer() finds no such buffer");
        };
        if given.import.is_some() != (queue.memory == Some(program::Memory::Dmabuf)) {
            return fails(
                EINVAL,
                "vb2_queue_or_prepare_buf() meets another memory type",
            );
        }
        if buffer.is_queued() {
            return fails(EINVAL, "the buffer is not dequeued: vb2_core_qbuf()");
        }
        if buffer.prepared && given.prepare {
            return fails(EINVAL, "vb2_core_prepare_buf() finds it prepared");
        }
        let used = buffer.length.and_then(|length| self.used(given, length));
        if given.request && (buffer.prepared || used <= buffer.length) {
            return fails(
                EBADR,
                "vb2_queue_or_prepare_buf(): the queue takes no requests",
            );
        }
        if !buffer.prepared
            && let Err(refused) = self.prepare(given, buffer)
        {
            return refused;
        }
        self.given(given, buffer, memories)
    }

    /// `__verify_length()` and `__buf_prepare()`
    fn prepare(&self, given: Given, buffer: &Buffer) -> Result<(), Guess> {
        let Some(length) = buffer.length else {
            return Err(unknown("the length of the plane was never told"));
        };
        if given.queue == Direction::Output && self.used(given, length) > Some(length) {
            return Err(fails(
                EINVAL,
                "__verify_length(): more bytes are used than the plane was long; a dma-buf that did not fit left it with none",
            ));
        }
        let length = match given.import {
            None => Some(u64::from(length)),
            Some(None) => {
                return Err(fails(EINVAL, "__prepare_dmabuf() is given no dma-buf"));
            }
            Some(Some(size)) => size,
        };
        self.room(given, buffer, length)
    }

    fn room(&self, given: Given, buffer: &Buffer, length: Size) -> Result<(), Guess> {
        let (Some(length), Some(least)) = (length, buffer.min_length) else {
            return Err(unknown("the size of the memory was never told"));
        };
        if length < u64::from(least) {
            return Err(fails(
                EINVAL,
                "__prepare_dmabuf() wants a dma-buf as long as the plane was allocated",
            ));
        }
        if !device::wants_room(self.driver, given.queue) {
            return Ok(());
        }
        match self.size(given.queue) {
            Some(frame) if length < u64::from(frame) => {
                Err(fails(EINVAL, "buf_prepare: a frame does not fit"))
            }
            Some(_) => Ok(()),
            None => Err(unknown("the format was never told")),
        }
    }

    /// What the agent says is used of an OUTPUT buffer, if that is known.
    pub(crate) fn used(&self, given: Given, length: u32) -> Option<u32> {
        if self.driver != Driver::Double {
            // It asks for the length each time, and fills at least one byte.
            return Some(u32::from(length == 0)).filter(|used| *used > 0);
        }
        let known = self
            .filled
            .get(&given.index)
            .copied()
            .unwrap_or(length.max(1));
        let size = given
            .import
            .map(|size| size.unwrap_or(Some(u64::from(u32::MAX))));
        match size {
            None => Some(known),
            Some(size) => Some(known.min(u32::try_from(size?).unwrap_or(u32::MAX))),
        }
    }

    fn given(&self, given: Given, buffer: &Buffer, memories: &Memories) -> Guess {
        let mut buffer = buffer.clone();
        let fresh = !buffer.prepared;
        if fresh {
            buffer.fill();
            buffer.bytesused = Some(0).filter(|_| given.queue == Direction::Capture);
            if let Some(Some(size)) = given.import {
                buffer.length = size.map(|size| u32::try_from(size).unwrap_or(u32::MAX));
            }
            buffer.prepared = true;
        }
        if self.driver != Driver::Double {
            buffer.bytesused = None;
        }
        let mapped = buffer
            .plane
            .map_or(Some(false), |plane| memories.is_in_use(plane));
        let (state, why) = self.after_giving(given, &mut buffer);
        let mut look = buffer.look(given.index, state, mapped);
        if !given.prepare && self.may_end_at_once(given.queue) {
            look.flags = look.flags.without_state();
        }
        ok(Told::Buffer(look), why)
    }

    fn after_giving(&self, given: Given, buffer: &mut Buffer) -> (State, &'static str) {
        if given.prepare {
            return (State::Dequeued, "vb2_core_prepare_buf() prepares it");
        }
        if self.ends_drain(given.queue) {
            buffer.last = Some(true);
            buffer.sequence = Some(self.m2m.sequences[1]);
            // It is told as done already: buf_queue gives it back before `__fill_v4l2_buffer()` is called.
            return (
                State::Done,
                "v4l2_m2m_dst_buf_is_last(): buf_queue gives it back at once, as the last one",
            );
        }
        (State::Queued, "vb2_core_qbuf() queues it")
    }

    /// The next CAPTURE buffer is given back, empty, by `buf_queue`.
    pub(crate) fn ends_drain(&self, queue: Direction) -> bool {
        queue == Direction::Capture
            && self.capture.streaming
            && self.tells_last()
            && self.m2m.draining
            && self.m2m.next_last
    }

    /// A driver whose drains the model does not know may give a buffer back within `buf_queue`.
    fn may_end_at_once(&self, queue: Direction) -> bool {
        !self.tells_last() && queue == Direction::Capture && self.capture.streaming
    }

    /// QUERYBUF.
    pub(crate) fn query(&self, queue: Direction, index: u32, memories: &Memories) -> Guess {
        let Some(buffer) = self.queue(queue).get(index) else {
            return fails(EINVAL, "vb2_get_buffer() finds no such buffer");
        };
        let mapped = buffer
            .plane
            .map_or(Some(false), |plane| memories.is_in_use(plane));
        let look = buffer.look(index, buffer.state, mapped);
        ok(Told::Buffer(look), "__fill_v4l2_buffer() tells its state")
    }

    /// DQBUF.
    pub(crate) fn dequeue(&self, queue: Direction, memories: &Memories) -> Guess {
        let (index, buffer) = match self.queue(queue).first_done() {
            Ok(first) => first,
            Err(refused) => return refused,
        };
        let mapped = buffer
            .plane
            .map_or(Some(false), |plane| memories.is_in_use(plane));
        let mut look = buffer.look(index, buffer.state, mapped);
        look.flags.value &= !crate::answer::DONE;
        ok(
            Told::Buffer(look),
            "__vb2_get_done_vb() takes the first of the done list",
        )
    }

    /// `v4l2_m2m_poll()`
    pub(crate) fn poll(&self, interest: Interest) -> Guess {
        if interest == Interest::Pri {
            return match self.events.first() {
                _ if !self.tells_last() && self.events.is_subscribed() => {
                    unknown("when this driver sends events")
                }
                Some(_) => ok(Told::Polled(POLLPRI), "v4l2_event_pending() finds an event"),
                None => ok(Told::Polled(0), "v4l2_event_pending() finds no event"),
            };
        }
        let idle = |queue: &Queue, last: bool| !queue.streaming || (!queue.has_queued() && !last);
        if idle(&self.output, false) && idle(&self.capture, self.capture.last_dequeued) {
            return ok(
                Told::Polled(POLLERR),
                "v4l2_m2m_poll_for_data() finds nothing queued",
            );
        }
        let (ready, event) = match interest {
            Interest::Out => (!self.output.done.is_empty(), POLLOUT),
            _ => (
                !self.capture.done.is_empty() || self.capture.last_dequeued,
                POLLIN,
            ),
        };
        ok(
            Told::Polled(if ready { event } else { 0 }),
            "v4l2_m2m_poll_for_data() looks at the done list",
        )
    }
}
