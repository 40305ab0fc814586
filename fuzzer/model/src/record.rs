//! What the ledger tells: the part of the hardware, which the model does not predict but takes as it comes.

use program::{Control, File, Op, Queue};
use trace::{BufferId, Kind, Phase};

use crate::buffer::{Job, State};
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
    /// It was held, and the next job writes another.
    Released,
    /// The queue is stopped.
    Stopped,
    /// The driver never had it: what QBUF does tells the rest.
    Forced,
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
                self.job_started(buffer, running);
            }
            _ => {}
        }
    }

    fn job_started(&mut self, buffer: BufferId, running: &[&Op]) {
        let Some((file, queue)) = self.places.get(&buffer.queue).copied() else {
            return;
        };
        let steered = self.is_steered(file, running);
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        let sure = !steered && !handle.set_late;
        // The CAPTURE buffer is told last.
        handle.set_late &= queue == Queue::Output;
        handle.job_started(buffer, sure);
        // Of an OUTPUT buffer with more frames only the last job is told, and its controls were set with the first.
        let several = handle.knobs.had_frames;
        let source = match queue {
            Queue::Output => Some(buffer.index),
            Queue::Capture => handle.output.ready.front().copied().filter(|_| several),
        };
        let source = source.and_then(|index| handle.output.get(index));
        if let Some(request) = source.and_then(|buffer| buffer.request) {
            self.apply_controls(file, request, sure && !several);
        }
    }

    fn handle(&mut self, buffer: BufferId) -> Option<(&mut Handle, u8)> {
        let (file, _) = *self.places.get(&buffer.queue)?;
        Some((self.files.get_mut(&file)?, file))
    }

    /// `vb2_buf_queue`: only QBUF, STREAMON and the queueing of a request lead there, so that it tells whose queue that is.
    fn queued(&mut self, buffer: BufferId, running: &[&Op]) {
        let queue = direction(buffer);
        let mut givers = running
            .iter()
            .filter_map(|op| self.giver(op, queue, buffer.index));
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

    /// The file whose buffer this operation can have given to the driver.
    fn giver(&self, op: &Op, on: Queue, at: u32) -> Option<File> {
        match *op {
            Op::Qbuf {
                file, queue, index, ..
            } if queue == on => {
                let handle = self.files.get(&file.0)?;
                // The one that was missing lets the driver have those before it.
                (index == at || handle.queue(on).min_queued > 0).then_some(file)
            }
            Op::Streamon { file, queue } if queue == on => Some(file),
            Op::QueueRequest { request } if on == Queue::Output => {
                let request = *self.requests.get(&request.0)?;
                let has = |handle: &Handle| {
                    handle
                        .output
                        .get(at)
                        .is_some_and(|buffer| buffer.request == Some(request))
                };
                let mut files = self.files.iter().filter(|(_, handle)| has(handle));
                files.next().map(|(file, _)| File(*file))
            }
            _ => None,
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
                let stops = own.copied().any(|op| stops(op, Queue::Output));
                handle.give_output(buffer.index, state, stops)
            }
        };
        let place = handle.queue_mut(queue).get_mut(buffer.index);
        let back = place.filter(|_| state != State::Queued);
        if let Some(request) = back.and_then(|buffer| buffer.request.take()) {
            // A job that was refused, or aborted before it started, has set the controls nevertheless.
            self.apply_controls(file, request, false);
            self.settle_request(file, request);
        }
        if !sure {
            let file = File(file);
            self.doubt |= Parts::stream(file) | Parts::events(file) | Parts::formats(file);
        }
    }
}

/// Whether the operation gives back what this queue has.
fn stops(op: &Op, of: Queue) -> bool {
    match op {
        Op::Streamoff { queue, .. } => *queue == of,
        Op::CloseFile { .. } | Op::Open { .. } => true,
        _ => false,
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
        if queue == Queue::Output {
            self.tell_size();
        }
    }

    /// `tell_source()` of the double's decoder: its stream has begun.
    fn tell_size(&mut self) {
        if self.device.tells_size()
            && !self.capture.busy
            && !std::mem::replace(&mut self.m2m.told, true)
        {
            self.events.queue(event::SOURCE_CHANGE);
        }
    }

    /// The double tells that its hardware is kicked; what it writes is decided by now.
    fn job_started(&mut self, buffer: BufferId, sure: bool) {
        let queue = direction(buffer);
        let numbered = self.knobs.pipelined;
        let bitrate = self.controls.get(&Control::Bitrate).copied().flatten();
        let bytes = match queue {
            Queue::Output => None,
            Queue::Capture => {
                let bitrate = bitrate.filter(|_| sure);
                self.device.payload(self.formats, bitrate)
            }
        };
        let sequence = numbered.then(|| self.m2m.next_sequence(buffer.output));
        let content = self.queue_mut(queue);
        if numbered {
            content.ready.retain(|ready| *ready != buffer.index);
        }
        if let Some(buffer) = content.get_mut(buffer.index) {
            buffer.job = Some(Job { bytes, numbered });
            buffer.sequence = sequence.unwrap_or(buffer.sequence);
        }
    }

    /// Why a CAPTURE buffer is given back by the double.
    fn cause<'a>(&self, index: u32, state: State, running: impl Iterator<Item = &'a Op>) -> Cause {
        let buffer = self.capture.get(index);
        let job = buffer.is_some_and(|buffer| buffer.job.is_some());
        let held = buffer.is_some_and(|buffer| buffer.held);
        let had = buffer.is_some_and(|buffer| buffer.state == State::Active);
        let (mut stopped, mut drains) = (false, self.ends_drain(Queue::Capture));
        for op in running {
            stopped |= stops(op, Queue::Capture);
            match op {
                Op::Streamoff {
                    queue: Queue::Output,
                    ..
                } => drains |= self.m2m.draining,
                Op::DecoderCmd { .. } => drains |= self.m2m.draining && self.m2m.last_src.is_none(),
                _ => {}
            }
        }
        let changes = self.m2m.change.is_some();
        match state {
            _ if job => Cause::Job,
            State::Error if stopped => Cause::Stopped,
            // The job was refused: a frame does not fit.
            State::Error => Cause::Job,
            _ if held => Cause::Released,
            _ if !had && self.forces_last(Queue::Capture) => Cause::Forced,
            _ if drains && changes => Cause::Unclear,
            _ if drains => Cause::Drained,
            _ if changes => Cause::Changed,
            _ => Cause::Unclear,
        }
    }

    /// Gives a CAPTURE buffer back; false if it is not clear why.
    fn give_capture(&mut self, index: u32, state: State, cause: Cause) -> bool {
        let (job, held) = match self.capture.get(index) {
            Some(buffer) => (buffer.job, buffer.held),
            None => (None, false),
        };
        if cause != Cause::Forced {
            self.capture.finish(index, state);
        }
        if !self.tells_last() {
            self.forget(index);
            return true;
        }
        // mem2mem ends a drain with a buffer that it does not number; the driver's `buf_queue` does.
        let mut numbered = cause != Cause::Drained || self.ends_drain(Queue::Capture);
        let (last, bytes) = match cause {
            Cause::Stopped | Cause::Released | Cause::Forced => return true,
            Cause::Unclear => {
                self.forget(index);
                self.m2m.sequences[1] = None;
                return false;
            }
            Cause::Job => {
                // What several slices make is one frame.
                numbered = !held && !job.is_some_and(|job| job.numbered);
                (
                    self.job_ends(job),
                    job.map(|job| job.bytes)
                        .filter(|_| state == State::Done)
                        .unwrap_or(Some(0)),
                )
            }
            Cause::Drained => {
                self.stop();
                if self.capture.min_queued > 0 {
                    // If streaming starts with it, the numbers begin anew behind it.
                    self.m2m.sequences[1] = None;
                }
                (Some(true), Some(0))
            }
            Cause::Changed => {
                self.change();
                (Some(true), Some(0))
            }
        };
        let sequence = numbered.then(|| self.m2m.next_sequence(false));
        if let Some(buffer) = self.capture.get_mut(index) {
            buffer.last = last;
            buffer.bytesused = bytes;
            buffer.sequence = sequence.unwrap_or(buffer.sequence);
            buffer.job = None;
        }
        if self.m2m.is_mixed() {
            self.forget(index);
        }
        true
    }

    /// The CAPTURE buffer of a job is given back; tells whether it is the last of a drain, if that is known.
    fn job_ends(&mut self, job: Option<Job>) -> Option<bool> {
        if job.is_some_and(|job| job.numbered) {
            return Some(false);
        }
        let src = self.output.ready.front().copied();
        let refused = job.is_none();
        // A kick tells of the OUTPUT buffer that will be given back; of a job that was refused nobody tells.
        let given = |index: &u32| {
            let buffer = self.output.get(*index);
            refused || buffer.is_some_and(|buffer| buffer.job.is_some())
        };
        let src = src.filter(given);
        self.m2m.ending = src;
        if refused && self.knobs.had_frames {
            self.m2m.sequences[0] = None;
            return None;
        }
        Some(self.m2m.draining && src.is_some() && src == self.m2m.last_src)
    }

    fn forget(&mut self, index: u32) {
        if let Some(buffer) = self.capture.get_mut(index) {
            buffer.forget();
            buffer.job = None;
        }
    }

    /// Gives an OUTPUT buffer back; false if it is not clear why.
    fn give_output(&mut self, index: u32, state: State, stops: bool) -> bool {
        let ended = self.m2m.ending.take_if(|ending| *ending == index).is_some();
        let job = self.output.get(index).and_then(|buffer| buffer.job);
        self.output.finish(index, state);
        if !self.tells_last() {
            if let Some(buffer) = self.output.get_mut(index) {
                buffer.forget();
            }
            return true;
        }
        if !ended && job.is_none() && stops {
            return true;
        }
        let numbered = job.is_some_and(|job| job.numbered);
        if !ended && !numbered {
            self.hold();
        }
        let sequence = (!numbered).then(|| self.m2m.next_sequence(true));
        if let Some(buffer) = self.output.get_mut(index) {
            buffer.sequence = sequence.unwrap_or(buffer.sequence);
            buffer.job = None;
        }
        if self.m2m.draining && self.m2m.last_src == Some(index) {
            self.stop();
        }
        true
    }

    /// A job was over and its CAPTURE buffer did not come back: it is held for the next slice.
    fn hold(&mut self) {
        let Some(index) = self.capture.ready.front().copied() else {
            return;
        };
        let first = !self.capture.get(index).is_some_and(|buffer| buffer.held);
        let sequence = first.then(|| self.m2m.next_sequence(false));
        if let Some(buffer) = self.capture.get_mut(index) {
            buffer.held = true;
            // A job that failed left nothing; which it was is not told.
            buffer.bytesused = None;
            buffer.sequence = sequence.unwrap_or(buffer.sequence);
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
            let format = self.format(Queue::Capture);
            let changed = format.map(|format| format.resized((width, height)));
            self.set_format(Queue::Capture, changed);
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
