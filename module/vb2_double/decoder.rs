// SPDX-License-Identifier: GPL-2.0

//! The rules of a stateful decoder: the stream changes its size, and it is drained.
//!
//! Specification:
//! [`dev-decoder.rst`](srctree/Documentation/userspace-api/media/v4l/dev-decoder.rst)

use crate::{
    context::Handle,
    drain,
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
    /// The stream's first size was told.
    told: bool,
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
        drain::make_empty(&dst, sequence);
        dst.set_last(true);
        this.counts_given(&dst, State::Done);
        dst.done(State::Done);
    }
}

/// There is an OUTPUT buffer in a stream that has begun: tells the size of the stream once, if it
/// has one and userspace has no CAPTURE buffers yet.
pub(crate) fn tell_source(this: &Handle) {
    if this.m2m().queue(Direction::Capture).is_busy() {
        return;
    }

    let is_first = {
        let mut state = this.state.lock();
        state.formats.tells_size() && !core::mem::replace(&mut state.decoder.told, true)
    };
    if is_first {
        this.send(Event::ResolutionChange);
    }
}

/// DECODER_CMD. Without effect unless both queues stream.
pub(crate) fn command(this: &Handle, command: &mut bindings::v4l2_decoder_cmd) -> Result {
    if !drain::is_streaming(this) {
        return Ok(());
    }
    if command.cmd == bindings::V4L2_DEC_CMD_STOP {
        return drain::stop(this, || this.m2m().decoder_cmd(command));
    }

    let changed = core::mem::take(&mut this.state.lock().decoder.changed);
    // A drain that was interrupted by the change goes on, and is no reason to refuse.
    if !changed {
        this.m2m().decoder_cmd(command)?;
    }
    drain::start(this);
    Ok(())
}

/// STREAMON.
pub(crate) fn start_streaming(this: &Handle, queue: &Queue) {
    this.state
        .lock()
        .decoder
        .restart_sequence(queue.direction());
    this.m2m().update_start_streaming_state(queue);
    if queue.direction() == Direction::Output && this.m2m().num_ready(Direction::Output) > 0 {
        tell_source(this);
    }
}

/// STREAMOFF, after all buffers of the queue were given back.
pub(crate) fn stop_streaming(this: &Handle, queue: &Queue) {
    if queue.direction() == Direction::Capture {
        // This answers a change of the size. A drain that was interrupted by the change goes on
        // after it.
        if core::mem::take(&mut this.state.lock().decoder.changed) {
            return;
        }
    }
    if queue.direction() == Direction::Output {
        this.state.lock().decoder.told = false;
    }
    drain::stop_streaming(this, queue);
}
