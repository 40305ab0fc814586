// SPDX-License-Identifier: GPL-2.0

//! The ioctls of the double's own, on one open file: `module/include/vb2_double.h`.

use crate::{
    context::Handle,
    knobs::{self, Effect, Knob, S_KNOB},
    stats::G_STATS,
    v4l2::Codec,
    vb2::Direction, //
};
use kernel::{
    prelude::*,
    sync::atomic::{Atomic, Relaxed},
    uaccess::UserPtr, //
};

/// Most buffers of one direction that [`knobs::MIN_QUEUED`] can ask for.
const MAX_MIN_QUEUED: u64 = 8;

/// How many open files have suspended their video device. Changes with the queues' lock held.
pub(crate) struct Suspenders(Atomic<u32>);

impl Suspenders {
    /// None.
    pub(crate) fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// One more; true if it is the first.
    fn add(&self) -> bool {
        self.0.fetch_add(1, Relaxed) == 0
    }

    /// One less; true if it was the last.
    fn remove(&self) -> bool {
        self.0.fetch_sub(1, Relaxed) == 1
    }
}

/// Does an ioctl, if it is one of the double's.
pub(crate) fn ioctl(this: &Handle, cmd: u32, arg: UserPtr) -> Option<Result> {
    match cmd {
        S_KNOB => Some(Knob::read_from(arg).and_then(|knob| set(this, &knob))),
        G_STATS => Some(this.stats().write_to(arg)),
        _ => None,
    }
}

fn set(this: &Handle, knob: &Knob) -> Result {
    match knob.id {
        knobs::MIN_QUEUED => set_min_queued(this, knob.value),
        knobs::SUSPEND => {
            set_suspended(this, knobs::switch(knob.value)?);
            Ok(())
        }
        _ => set_job(this, knob),
    }
}

/// A knob by which the next jobs go another way.
fn set_job(this: &Handle, knob: &Knob) -> Result {
    if knob.id == knobs::SOURCE_CHANGE && this.node.codec != Codec::Decoder {
        return Err(EINVAL);
    }
    if !knob.decides_ends() || !this.can_hold() {
        return store(this, knob);
    }

    // CAPTURE buffers can be held only if each job ends with v4l2_m2m_buf_done_and_job_finish().
    // What is said of the queue must not change on the way.
    let output = this.m2m().queue(Direction::Output);
    let lock = output.lock();
    let mut wanted = this.state.lock().knobs.clone();
    wanted.set(knob)?;
    lock.set_may_hold_capture(output, wanted.is_plain())?;
    store(this, knob)
}

fn store(this: &Handle, knob: &Knob) -> Result {
    let effect = {
        let mut state = this.state.lock();
        let mut knobs = state.knobs.clone();

        let effect = knobs.set(knob)?;
        if knobs.is_pipelined() && !this.can_pipeline() {
            return Err(EINVAL);
        }
        state.knobs = knobs;
        // Nothing else may touch the timer: when it would expire depends on the nanosecond.
        if effect == Effect::Opened && state.engine.is_running() {
            this.clock.arm(0);
        }
        effect
    };

    #[cfg(plant = "change_flushes_armed")]
    if knob.id == knobs::SOURCE_CHANGE && knob.value & 0xffff != 0 {
        crate::job::flush(this);
    }

    if effect == Effect::Ready {
        this.m2m().try_schedule();
    }
    Ok(())
}

fn set_min_queued(this: &Handle, value: u64) -> Result {
    let buffers = |value| knobs::within(value, 0..=MAX_MIN_QUEUED);
    knobs::within(value, 0..=0xffff)?;
    let (output, capture) = (buffers(value & 0xff)?, buffers(value >> 8)?);
    let queue = |direction| this.m2m().queue(direction);

    let lock = queue(Direction::Output).lock();
    if queue(Direction::Capture).is_busy() {
        return Err(EBUSY);
    }
    lock.set_min_queued(queue(Direction::Output), output as u32)?;
    lock.set_min_queued(queue(Direction::Capture), capture as u32)
}

fn set_suspended(this: &Handle, suspended: bool) {
    let lock = this.m2m().queue(Direction::Output).lock();
    let was = core::mem::replace(&mut this.state.lock().suspended, suspended);

    if !was && suspended && this.suspenders.add() {
        this.m2m().suspend(&lock);
    }
    if was && !suspended {
        resume(this);
    }
}

fn resume(this: &Handle) {
    if this.suspenders.remove() {
        this.m2m().resume();
    }
}

/// The file is being closed, with the queues' lock held.
pub(crate) fn closing(this: &Handle) {
    if core::mem::take(&mut this.state.lock().suspended) {
        resume(this);
    }
}
