// SPDX-License-Identifier: GPL-2.0

//! What the double counts: `struct vb2_double_stats` of `module/include/vb2_double.h` in Rust.

use crate::{
    engine::Cause,
    finish::From,
    vb2::{Buffer, Direction, State}, //
};
use kernel::{
    bindings,
    ioctl::_IOR,
    prelude::*,
    transmute::AsBytes,
    uaccess::{UserPtr, UserSlice}, //
};

/// `struct vb2_double_stats`
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Stats {
    pub(crate) begun: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) timed_out: u64,
    pub(crate) aborted: u64,
    pub(crate) refused: u64,
    pub(crate) late: u64,
    pub(crate) queued_output: u64,
    pub(crate) queued_capture: u64,
    pub(crate) done_output: u64,
    pub(crate) done_capture: u64,
    pub(crate) error_output: u64,
    pub(crate) error_capture: u64,
    pub(crate) fences: u64,
    pub(crate) from_interrupt: u64,
    pub(crate) from_work: u64,
    pub(crate) from_device_run: u64,
    pub(crate) under_job_lock: u64,
    pub(crate) pipelined: u64,
}

// SAFETY: The structure has no padding and no interior mutability.
unsafe impl AsBytes for Stats {}

/// `VB2_DOUBLE_G_STATS`
pub(crate) const G_STATS: u32 = _IOR::<Stats>('V' as u32, bindings::BASE_VIDIOC_PRIVATE + 1);

// shim.c checks the same numbers against the header.
const _: () = assert!(size_of::<Stats>() == 152);
const _: () = assert!(G_STATS == 0x809856c1);

impl Stats {
    /// A job ends.
    pub(crate) fn count(&mut self, cause: Cause, from: From) {
        *match cause {
            Cause::Completed => &mut self.completed,
            Cause::Failed => &mut self.failed,
            Cause::Watchdog => &mut self.timed_out,
            Cause::Aborted => &mut self.aborted,
            Cause::Refused => &mut self.refused,
        } += 1;
        match from {
            From::Interrupt => self.from_interrupt += 1,
            From::Work => self.from_work += 1,
            From::DeviceRun => self.from_device_run += 1,
            From::Abort => (),
        }
    }

    /// A buffer is the double's.
    pub(crate) fn queue(&mut self, direction: Direction) {
        *match direction {
            Direction::Output => &mut self.queued_output,
            Direction::Capture => &mut self.queued_capture,
        } += 1;
    }

    /// Buffers are about to be given back.
    pub(crate) fn give<'a>(&mut self, buffers: impl Iterator<Item = &'a Buffer>, state: State) {
        for buffer in buffers {
            *match (buffer.queue().direction(), state) {
                (Direction::Output, State::Done) => &mut self.done_output,
                (Direction::Output, State::Error) => &mut self.error_output,
                (Direction::Capture, State::Done) => &mut self.done_capture,
                (Direction::Capture, State::Error) => &mut self.error_capture,
            } += 1;
        }
    }

    /// `VB2_DOUBLE_G_STATS`
    pub(crate) fn write_to(&self, arg: UserPtr) -> Result {
        UserSlice::new(arg, size_of::<Self>()).writer().write(self)
    }
}
