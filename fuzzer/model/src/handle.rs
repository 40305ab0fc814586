//! An open file: two queues, mem2mem's state, formats and events.

use std::collections::BTreeMap;

use program::{Interest, Queue as Direction};

use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::buffer::{Buffer, State};
use crate::control::{self, Values};
use crate::device::Device;
use crate::errno::EINVAL;
use crate::event::Events;
use crate::format::Format;
use crate::give::Given;
use crate::knobs::Knobs;
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
    pub(crate) device: Device,
    pub(crate) output: Queue,
    pub(crate) capture: Queue,
    pub(crate) m2m: M2m,
    pub(crate) events: Events,
    pub(crate) knobs: Knobs,
    /// Values of the controls.
    pub(crate) controls: Values,
    /// A control was set while a job may have been about to start: which came first is not known.
    pub(crate) set_late: bool,
    /// Formats of OUTPUT and CAPTURE, as far as they are known.
    pub(crate) formats: [Option<Format>; 2],
    /// The lengths of OUTPUT buffers that the agent remembers, to fill them.
    pub(crate) filled: BTreeMap<u32, u32>,
}

impl Handle {
    /// A file that was just opened.
    pub(crate) fn new(device: Device) -> Self {
        Self {
            device,
            output: Queue::default(),
            capture: Queue::default(),
            m2m: M2m::default(),
            events: Events::default(),
            knobs: Knobs::default(),
            controls: control::first_values(device),
            set_late: false,
            formats: device.first_formats(),
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

    pub(crate) fn set_format(&mut self, queue: Direction, format: Option<Format>) {
        self.formats[usize::from(queue == Direction::Capture)] = format;
    }

    /// Whether the model knows how the driver ends a stream.
    pub(crate) fn tells_last(&self) -> bool {
        self.device.is_double()
    }

    /// Whether a job may be about to start, of which the ledger does not tell yet.
    pub(crate) fn may_start(&self) -> bool {
        let first = self.output.ready.front();
        let first = first.and_then(|index| self.output.get(*index));
        let streams = self.output.streaming && self.capture.streaming;
        let waits = first.is_some_and(|buffer| buffer.job.is_none());
        streams && waits && !self.capture.ready.is_empty()
    }

    /// What QBUF or PREPARE_BUF tells of the buffer that it took.
    pub(crate) fn given(&self, given: &Given, buffer: &Buffer, memories: &Memories) -> Guess {
        let mut buffer = *buffer;
        if !buffer.prepared {
            buffer.fill();
            buffer.bytesused = match given.queue {
                Direction::Capture => Some(0),
                Direction::Output => None,
            };
            if let Some(size) = given.size(0) {
                buffer.planes_mut()[0].length = size;
            }
            buffer.prepared = true;
        }
        if !self.device.is_double() {
            buffer.bytesused = None;
        }
        let (state, why) = self.after_giving(given, &mut buffer);
        let mut look = buffer.look(given.index, state, memories);
        if !given.prepare && self.may_end_at_once(given.queue) {
            look.flags = look.flags.without_state();
        }
        ok(Told::Buffer(look), why)
    }

    fn after_giving(&self, given: &Given, buffer: &mut Buffer) -> (State, &'static str) {
        if given.prepare {
            return (State::Dequeued, "vb2_core_prepare_buf() prepares it");
        }
        if self.ends_drain_in_qbuf(given.queue) {
            buffer.last = Some(true);
            buffer.sequence = self.m2m.sequences[1];
            // It is told as done already: buf_queue gives it back before `__fill_v4l2_buffer()` is called.
            return (
                State::Done,
                "v4l2_m2m_dst_buf_is_last(): buf_queue gives it back at once, as the last one",
            );
        }
        (State::Queued, "vb2_core_qbuf() queues it")
    }

    /// The next CAPTURE buffer that the driver gets is given back, empty, by `buf_queue`.
    pub(crate) fn ends_drain(&self, queue: Direction) -> bool {
        queue == Direction::Capture
            && self.capture.streaming
            && self.tells_last()
            && self.m2m.draining
            && self.m2m.next_last
    }

    /// The driver gets the next CAPTURE buffer within QBUF, which then tells that it was given back. If streaming starts only
    /// with it, QBUF has told before.
    fn ends_drain_in_qbuf(&self, queue: Direction) -> bool {
        let starts = self.capture.started || self.capture.min_queued == 0;
        starts && self.ends_drain(queue)
    }

    /// After this QBUF mem2mem finishes a buffer by itself: `v4l2_m2m_qbuf()`.
    pub(crate) fn forces_last(&self, queue: Direction) -> bool {
        queue == Direction::Capture
            && self.tells_last()
            && self.capture.streaming
            && !self.capture.started
            && (self.m2m.stopped || self.ends_drain(queue))
    }

    /// `v4l2_m2m_force_last_buf_done()`: the driver gets no word of it, so that there is neither a number nor an event.
    pub(crate) fn force_last(&mut self) {
        if let Some(buffer) = self.capture.finish_waiting() {
            buffer.last = Some(true);
            buffer.bytesused = Some(0);
            self.m2m.mark_stopped();
        }
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
        let look = buffer.look(index, buffer.state, memories);
        ok(Told::Buffer(look), "__fill_v4l2_buffer() tells its state")
    }

    /// DQBUF.
    pub(crate) fn dequeue(&self, queue: Direction, memories: &Memories) -> Guess {
        let (index, buffer) = match self.queue(queue).first_done() {
            Ok(first) => first,
            Err(refused) => return refused,
        };
        let mut look = buffer.look(index, buffer.state, memories);
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
