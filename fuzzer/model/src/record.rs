//! What the ledger tells: the part of the hardware, which the model does not predict but takes as it comes.

use program::{Op, Queue};
use trace::{BufferId, Kind, Phase};

use crate::buffer::State;
use crate::device::double_format;
use crate::event;
use crate::handle::Handle;
use crate::part::Parts;
use crate::world::{World, file_of};

/// `enum vb2_buffer_state`
const STATE_QUEUED: u32 = 3;
/// `enum vb2_buffer_state`
const STATE_DONE: u32 = 5;

/// Why a CAPTURE buffer was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Its job has ended.
    Job,
    /// It is empty and ends a drain.
    Drained,
    /// It is empty, and the stream has changed its size.
    Changed,
    /// The queue is stopped.
    Stopped,
    /// One of them: the model does not know which.
    Unclear,
}

impl World {
    /// The ledger recorded this while the calls `running` were under way.
    pub(crate) fn record(&mut self, kind: &Kind, running: &[&Op]) {
        match *kind {
            Kind::Queue { buffer } => self.queued(buffer, running),
            Kind::Done { buffer, state } => self.done(buffer, state, running),
            Kind::Job {
                buffer,
                phase: Phase::Start,
                ..
            } => {
                if let Some((handle, _)) = self.handle(buffer) {
                    handle.job_started(buffer);
                }
            }
            _ => {}
        }
    }

    fn handle(&mut self, buffer: BufferId) -> Option<(&mut Handle, u8)> {
        let (file, _) = *self.places.get(&buffer.queue)?;
        Some((self.files.get_mut(&file)?, file))
    }

    /// `vb2_buf_queue`: only QBUF and STREAMON lead there, so that it tells whose queue that is.
    fn queued(&mut self, buffer: BufferId, running: &[&Op]) {
        let queue = direction(buffer);
        let mut givers = running.iter().filter_map(|op| match **op {
            Op::Qbuf {
                file,
                queue: to,
                index,
                ..
            } if to == queue && index == buffer.index => Some(file),
            Op::Streamon { file, queue: on } if on == queue => Some(file),
            _ => None,
        });
        let (giver, other) = (givers.next(), givers.next());
        match giver.filter(|giver| other.is_none_or(|other| other == *giver)) {
            Some(file) => {
                self.places.insert(buffer.queue, (file.0, queue));
            }
            None => self.doubt_all(running, queue),
        }
        if let Some((handle, _)) = self.handle(buffer) {
            handle.queued(queue, buffer.index);
        }
    }

    /// A buffer came to a driver that no call gave it to.
    fn doubt_all(&mut self, running: &[&Op], queue: Queue) {
        for file in running.iter().filter_map(|op| file_of(op)) {
            self.doubt |= Parts::states(file, queue);
        }
    }

    /// `vb2_buf_done`
    fn done(&mut self, buffer: BufferId, state: u32, running: &[&Op]) {
        let queue = direction(buffer);
        let Some((handle, file)) = self.handle(buffer) else {
            return;
        };
        let own = running
            .iter()
            .filter(|op| file_of(op).is_some_and(|other| other.0 == file));
        let state = match state {
            STATE_DONE => State::Done,
            STATE_QUEUED => State::Queued,
            _ => State::Error,
        };
        let sure = match queue {
            Queue::Capture => {
                let cause = handle.cause(buffer.index, state, own.copied());
                handle.give_capture(buffer.index, state, cause)
            }
            Queue::Output => {
                handle.give_output(buffer.index, state);
                true
            }
        };
        if !sure {
            let file = program::File(file);
            self.doubt |= Parts::stream(file) | Parts::events(file) | Parts::formats(file);
        }
    }
}

impl Handle {
    fn queued(&mut self, queue: Queue, index: u32) {
        let ends = self.ends_drain(queue);
        let content = self.queue_mut(queue);
        content.enqueue(index);
        if !ends {
            content.push_ready(index);
        }
    }

    /// The double tells that its hardware is kicked; what it writes is decided by now.
    fn job_started(&mut self, buffer: BufferId) {
        let queue = direction(buffer);
        let bytes = self.size(queue);
        if let Some(buffer) = self.queue_mut(queue).get_mut(buffer.index) {
            buffer.job = Some(bytes);
        }
    }

    /// Why a CAPTURE buffer is given back by the double.
    fn cause<'a>(&self, index: u32, state: State, running: impl Iterator<Item = &'a Op>) -> Cause {
        let job = self
            .capture
            .get(index)
            .is_some_and(|buffer| buffer.job.is_some());
        let (mut stops, mut drains) = (false, self.ends_drain(Queue::Capture));
        for op in running {
            match op {
                Op::Streamoff {
                    queue: Queue::Capture,
                    ..
                }
                | Op::CloseFile { .. }
                | Op::Open { .. } => stops = true,
                Op::Streamoff { .. } => drains |= self.m2m.draining,
                Op::DecoderCmd { .. } => drains |= self.m2m.draining && self.m2m.last_src.is_none(),
                _ => {}
            }
        }
        let changes = self.m2m.change.is_some();
        match state {
            _ if job => Cause::Job,
            State::Error if stops => Cause::Stopped,
            // The job was refused: a frame does not fit.
            State::Error => Cause::Job,
            _ if drains && changes => Cause::Unclear,
            _ if drains => Cause::Drained,
            _ if changes => Cause::Changed,
            _ => Cause::Unclear,
        }
    }

    /// Gives a CAPTURE buffer back; false if it is not clear why.
    fn give_capture(&mut self, index: u32, state: State, cause: Cause) -> bool {
        let job = self.capture.get(index).and_then(|buffer| buffer.job);
        self.capture.finish(index, state);
        if !self.tells_last() {
            self.forget(index);
            return true;
        }
        // mem2mem ends a drain with a buffer that it does not number; the driver's `buf_queue` does.
        let numbered = cause != Cause::Drained || self.ends_drain(Queue::Capture);
        let (last, bytes) = match cause {
            Cause::Stopped => return true,
            Cause::Unclear => {
                self.forget(index);
                return false;
            }
            Cause::Job => {
                let src = self.output.ready.front().copied();
                self.m2m.ending = src;
                let last = self.m2m.draining && src.is_some() && src == self.m2m.last_src;
                let written = job.filter(|_| state == State::Done);
                (last, written.unwrap_or(Some(0)))
            }
            Cause::Drained => {
                self.stop();
                (true, Some(0))
            }
            Cause::Changed => {
                self.change();
                (true, Some(0))
            }
        };
        let sequence = numbered.then(|| self.m2m.next_sequence(false));
        if let Some(buffer) = self.capture.get_mut(index) {
            buffer.last = Some(last);
            buffer.bytesused = bytes;
            buffer.sequence = sequence.or(buffer.sequence);
            buffer.job = None;
        }
        if self.m2m.is_mixed() {
            self.forget(index);
        }
        true
    }

    fn forget(&mut self, index: u32) {
        if let Some(buffer) = self.capture.get_mut(index) {
            buffer.forget();
            buffer.job = None;
        }
    }

    fn give_output(&mut self, index: u32, state: State) {
        let job = self.m2m.ending.take_if(|ending| *ending == index).is_some();
        self.output.finish(index, state);
        if !self.tells_last() {
            if let Some(buffer) = self.output.get_mut(index) {
                buffer.forget();
            }
            return;
        }
        if !job {
            return;
        }
        let sequence = self.m2m.next_sequence(true);
        if let Some(buffer) = self.output.get_mut(index) {
            buffer.sequence = Some(sequence);
            buffer.job = None;
        }
        if self.m2m.draining && self.m2m.last_src == Some(index) {
            self.stop();
        }
    }

    /// A drain has ended.
    fn stop(&mut self) {
        if self.m2m.mark_stopped() {
            self.events.queue(event::EOS);
        }
    }

    /// The stream has changed its size: the double's `change_source()`.
    fn change(&mut self) {
        if let Some((width, height)) = self.m2m.change.take() {
            self.m2m.changed = true;
            self.set_format(Queue::Capture, Some(double_format(width, height)));
            self.events.queue(event::SOURCE_CHANGE);
        }
    }
}

fn direction(buffer: BufferId) -> Queue {
    if buffer.output {
        Queue::Output
    } else {
        Queue::Capture
    }
}
