// SPDX-License-Identifier: GPL-2.0

//! The rules of a stateful decoder: the stream changes its size, and it is drained.
//!
//! Specification:
//! [`dev-decoder.rst`](srctree/Documentation/userspace-api/media/v4l/dev-decoder.rst)

use crate::{
    context::Handle,
    formats::Size,
    v4l2::Event,
    vb2::{ActiveBuffer, Direction, Queue, State}, //
};
use kernel::{bindings, prelude::*};

/// What a stateful decoder remembers of its stream.
#[derive(Default)]
pub(crate) struct Decoder {
    /// The stream has changed its size and userspace has not answered yet: no job may run.
    changed: bool,
    sequence_out: u32,
    sequence_cap: u32,
}

impl Decoder {
    /// Whether jobs wait for userspace.
    pub(crate) fn is_waiting(&self) -> bool {
        self.changed
    }

    /// The sequence number of the next buffer of a queue.
    pub(crate) fn next_sequence(&mut self, direction: Direction) -> u32 {
        let sequence = match direction {
            Direction::Output => &mut self.sequence_out,
            Direction::Capture => &mut self.sequence_cap,
        };
        let this = *sequence;

        *sequence = this.wrapping_add(1);
        this
    }

    fn restart_sequence(&mut self, direction: Direction) {
        match direction {
            Direction::Output => self.sequence_out = 0,
            Direction::Capture => self.sequence_cap = 0,
        }
    }
}

/// Sends the stream's change to `size` to userspace: the event, and `dst` as an empty last buffer.
/// Nothing is armed, so no fence is involved. Must not be called with the state locked; may be
/// called with interrupts off.
pub(crate) fn change_source(this: &Handle, size: Size, dst: Option<ActiveBuffer>) {
    let sequence = {
        let mut state = this.state.lock();
        state.formats.set_decoded(size);
        state.decoder.changed = true;
        state.decoder.next_sequence(Direction::Capture)
    };

    this.send(Event::ResolutionChange);
    if let Some(dst) = dst {
        make_empty(&dst, sequence);
        dst.set_last(true);
        dst.done(State::Done);
    }
}

fn make_empty(dst: &ActiveBuffer, sequence: u32) {
    dst.set_empty();
    dst.set_field(bindings::v4l2_field_V4L2_FIELD_NONE);
    dst.set_sequence(sequence);
}

/// A CAPTURE buffer was queued after all frames of a drain were decoded: it ends the drain, empty.
pub(crate) fn end_drain(this: &Handle, dst: ActiveBuffer) {
    let sequence = this.state.lock().decoder.next_sequence(Direction::Capture);

    make_empty(&dst, sequence);
    this.m2m().last_buffer_done(dst);
    this.send(Event::EndOfStream);
}

/// DECODER_CMD. Without effect unless both queues stream.
pub(crate) fn command(this: &Handle, command: &mut bindings::v4l2_decoder_cmd) -> Result {
    let m2m = this.m2m();
    let capture = m2m.queue(Direction::Capture);

    if !capture.is_streaming() || !m2m.queue(Direction::Output).is_streaming() {
        return Ok(());
    }
    if command.cmd == bindings::V4L2_DEC_CMD_STOP {
        return stop(this, command);
    }

    let changed = core::mem::take(&mut this.state.lock().decoder.changed);
    // A drain that was interrupted by the change goes on, and is no reason to refuse.
    if !changed {
        m2m.decoder_cmd(command)?;
    }
    capture.clear_last_buffer_dequeued();
    m2m.try_schedule();
    Ok(())
}

fn stop(this: &Handle, command: &mut bindings::v4l2_decoder_cmd) -> Result {
    let m2m = this.m2m();
    let was_stopped = m2m.has_stopped();

    {
        // The end of a job asks whether its frame is the last of a drain. It must not do so while
        // the drain is half begun, or nothing would ever end it.
        let _state = this.state.lock();
        m2m.decoder_cmd(command)?;
    }
    announce_stop(this, was_stopped);
    Ok(())
}

fn announce_stop(this: &Handle, was_stopped: bool) {
    if !was_stopped && this.m2m().has_stopped() {
        this.send(Event::EndOfStream);
    }
}

/// STREAMON.
pub(crate) fn start_streaming(this: &Handle, queue: &Queue) {
    this.state
        .lock()
        .decoder
        .restart_sequence(queue.direction());
    this.m2m().update_start_streaming_state(queue);
}

/// STREAMOFF, after all buffers of the queue were given back.
pub(crate) fn stop_streaming(this: &Handle, queue: &Queue) {
    let m2m = this.m2m();
    let was_stopped = m2m.has_stopped();

    if queue.direction() == Direction::Capture {
        // This answers a change of the size. A drain that was interrupted by the change goes on
        // after it.
        if core::mem::take(&mut this.state.lock().decoder.changed) {
            return;
        }
    }
    m2m.update_stop_streaming_state(queue);
    if queue.direction() == Direction::Output {
        announce_stop(this, was_stopped);
    }
}
