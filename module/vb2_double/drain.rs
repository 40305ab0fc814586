// SPDX-License-Identifier: GPL-2.0

//! How the stream of a codec ends: what decoder and encoder have in common.

use crate::{
    context::Handle,
    v4l2::Event,
    vb2::{ActiveBuffer, Direction, Queue, State}, //
};
use kernel::{bindings, prelude::*};

/// Says that a CAPTURE buffer holds no frame.
pub(crate) fn make_empty(dst: &ActiveBuffer, sequence: u32) {
    dst.set_empty();
    dst.set_field(bindings::v4l2_field_V4L2_FIELD_NONE);
    dst.set_sequence(sequence);
}

/// A CAPTURE buffer was queued after all frames of a drain were processed: it ends the drain,
/// empty.
pub(crate) fn end(this: &Handle, dst: ActiveBuffer) {
    let sequence = this.state.lock().decoder.next_sequence(Direction::Capture);

    make_empty(&dst, sequence);
    this.counts_given(&dst, State::Done);
    this.m2m().last_buffer_done(dst);
    this.send(Event::EndOfStream);
}

/// Whether both queues stream: commands have no effect otherwise.
pub(crate) fn is_streaming(this: &Handle) -> bool {
    let m2m = this.m2m();

    m2m.queue(Direction::Capture).is_streaming() && m2m.queue(Direction::Output).is_streaming()
}

/// Begins a drain with `command`.
pub(crate) fn stop(this: &Handle, command: impl FnOnce() -> Result) -> Result {
    let was_stopped = this.m2m().has_stopped();

    {
        // The end of a job asks whether its frame is the last of a drain. It must not do so while
        // the drain is half begun, or nothing would ever end it.
        let _drain = this.drain.lock();
        this.counting_last(this.m2m(), command)?;
    }
    announce(this, was_stopped);
    Ok(())
}

/// Goes on after a drain.
pub(crate) fn start(this: &Handle) {
    let m2m = this.m2m();

    m2m.queue(Direction::Capture).clear_last_buffer_dequeued();
    m2m.try_schedule();
}

fn announce(this: &Handle, was_stopped: bool) {
    if !was_stopped && this.m2m().has_stopped() {
        this.send(Event::EndOfStream);
    }
}

/// STREAMOFF, after all buffers of the queue were given back.
pub(crate) fn stop_streaming(this: &Handle, queue: &Queue) {
    let m2m = this.m2m();
    let was_stopped = m2m.has_stopped();

    this.counting_last(m2m, || m2m.update_stop_streaming_state(queue));
    if queue.direction() == Direction::Output {
        announce(this, was_stopped);
    }
}
