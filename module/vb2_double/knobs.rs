// SPDX-License-Identifier: GPL-2.0

//! The knobs of an open file: `module/include/vb2_double.h` in Rust.

use crate::{
    formats::{Size, SIZES},
    writer::{Completion, Fault, Plan, MAX_CHUNKS}, //
};
use kernel::{
    bindings,
    ioctl::_IOW,
    prelude::*,
    transmute::FromBytes,
    uaccess::{UserPtr, UserSlice}, //
};

/// `struct vb2_double_knob`
#[repr(C)]
pub(crate) struct Knob {
    /// Which one.
    pub(crate) id: u32,
    reserved: u32,
    /// The value, as userspace gives it.
    pub(crate) value: u64,
}

// SAFETY: The structure has no padding, and any bytes make a valid one.
unsafe impl FromBytes for Knob {}

/// `VB2_DOUBLE_S_KNOB`
pub(crate) const S_KNOB: u32 = _IOW::<Knob>('V' as u32, bindings::BASE_VIDIOC_PRIVATE);

// shim.c checks the same numbers against the header.
const _: () = assert!(size_of::<Knob>() == 16);
const _: () = assert!(S_KNOB == 0x401056c0);

const JOB_BASE: u32 = 1;
const JOB_TIME: u32 = 2;
const CHUNKS: u32 = 3;
const CHUNK_DELAY: u32 = 4;
const COMPLETION: u32 = 5;
const GATE: u32 = 6;
const WATCHDOG: u32 = 7;
const FAIL_ERROR: u32 = 8;
const FAIL_LOST: u32 = 9;
pub(crate) const SOURCE_CHANGE: u32 = 10;
const FRAMES: u32 = 11;
const NOT_READY: u32 = 12;
pub(crate) const MIN_QUEUED: u32 = 13;
pub(crate) const SUSPEND: u32 = 14;
const FAIL_LATE: u32 = 15;
const ABORT: u32 = 16;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// A change of the stream's size in the future.
#[derive(Clone, Copy)]
struct SourceChange {
    /// It comes before this OUTPUT frame from now; 1 is the next.
    frame: u16,
    size: Size,
}

/// Something that happens to the n-th job from now.
#[derive(Clone, Copy, Default)]
struct Countdown(u64);

impl Countdown {
    /// Counts a job; true if it is the one.
    fn hits(&mut self) -> bool {
        let hit = self.0 == 1;

        self.0 = self.0.saturating_sub(1);
        hit
    }
}

/// What follows from setting a knob, beyond that the next jobs go another way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// A job may have become ready.
    Ready,
    /// The writer of the running job may go on.
    Opened,
}

/// How the jobs of an open file are to go.
#[derive(Clone)]
pub(crate) struct Knobs {
    last_job: u64,
    job_time: u64,
    chunks: u32,
    chunk_delay: u64,
    completion: Completion,
    gate: u32,
    watchdog: u64,
    fail_error: Countdown,
    fail_lost: Countdown,
    source_change: Option<SourceChange>,
    frames: u32,
    /// Frames of the present OUTPUT buffer that are yet to come; 0 before its first.
    frames_left: u32,
    not_ready: bool,
    fail_late: Countdown,
    abort_waits: bool,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            last_job: 0,
            job_time: MS,
            chunks: 4,
            chunk_delay: 0,
            completion: Completion::Timer,
            gate: 0,
            watchdog: SECOND,
            fail_error: Countdown::default(),
            fail_lost: Countdown::default(),
            source_change: None,
            frames: 1,
            frames_left: 0,
            not_ready: false,
            fail_late: Countdown::default(),
            abort_waits: false,
        }
    }
}

/// The value, if it is in range.
pub(crate) fn within(value: u64, range: core::ops::RangeInclusive<u64>) -> Result<u64> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(EINVAL)
    }
}

/// A switch.
pub(crate) fn switch(value: u64) -> Result<bool> {
    Ok(within(value, 0..=1)? == 1)
}

fn completion(value: u64) -> Result<Completion> {
    match value {
        0 => Ok(Completion::Timer),
        1 => Ok(Completion::Work),
        2 => Ok(Completion::Inline),
        3 => Ok(Completion::Locked),
        4 => Ok(Completion::Pipelined),
        _ => Err(EINVAL),
    }
}

fn source_change(value: u64) -> Result<Option<SourceChange>> {
    let side = |value: u64| within(value & 0xffff, SIZES.min.into()..=SIZES.max.into());

    within(value, 0..=0xffff_ffff_ffff)?;
    let frame = value as u16;
    if frame == 0 {
        return Ok(None);
    }
    let (width, height) = (side(value >> 16)? as u32, side(value >> 32)? as u32);
    Ok(Some(SourceChange {
        frame,
        size: Size::new(width, height),
    }))
}

impl Knob {
    /// Reads the argument of [`S_KNOB`].
    pub(crate) fn read_from(arg: UserPtr) -> Result<Self> {
        let knob: Self = UserSlice::new(arg, size_of::<Self>()).reader().read()?;

        if knob.reserved != 0 {
            return Err(EINVAL);
        }
        Ok(knob)
    }

    /// Whether this is about what jobs give back, and when.
    pub(crate) fn decides_ends(&self) -> bool {
        matches!(self.id, COMPLETION | FRAMES)
    }
}

impl Knobs {
    /// `VB2_DOUBLE_S_KNOB`. Nothing changes if this fails.
    pub(crate) fn set(&mut self, knob: &Knob) -> Result<Effect> {
        let value = knob.value;
        let chunks = u64::from(MAX_CHUNKS);
        match knob.id {
            JOB_BASE => self.last_job = value,
            JOB_TIME => self.job_time = within(value, 0..=10 * SECOND)?,
            CHUNKS => self.chunks = within(value, 1..=chunks)? as u32,
            CHUNK_DELAY => self.chunk_delay = within(value, 0..=SECOND)?,
            COMPLETION => self.completion = completion(value)?,
            GATE => {
                let gate = within(value, 0..=chunks)? as u32;
                let was = core::mem::replace(&mut self.gate, gate);
                if was != 0 && was != gate {
                    return Ok(Effect::Opened);
                }
            }
            WATCHDOG => self.watchdog = within(value, MS..=2 * SECOND)?,
            FAIL_ERROR => self.fail_error = Countdown(value),
            FAIL_LOST => self.fail_lost = Countdown(value),
            SOURCE_CHANGE => self.source_change = source_change(value)?,
            FRAMES => self.frames = within(value, 1..=16)? as u32,
            NOT_READY => {
                self.not_ready = switch(value)?;
                return Ok(Effect::Ready);
            }
            FAIL_LATE => self.fail_late = Countdown(value),
            ABORT => self.abort_waits = switch(value)?,
            _ => return Err(EINVAL),
        }
        Ok(Effect::None)
    }

    /// Whether jobs end later than mem2mem believes, which is of no use where a stream is drained.
    pub(crate) fn is_pipelined(&self) -> bool {
        self.completion == Completion::Pipelined
    }

    /// Whether each job gives one buffer of each queue back, with its end.
    pub(crate) fn is_plain(&self) -> bool {
        !self.is_pipelined() && self.frames == 1
    }

    /// Whether no job is ready.
    pub(crate) fn not_ready(&self) -> bool {
        self.not_ready
    }

    /// Whether an abort waits for the writer.
    pub(crate) fn abort_waits(&self) -> bool {
        self.abort_waits
    }

    /// The present OUTPUT buffer is given back before its last frame. Says whether there is one.
    pub(crate) fn drop_source(&mut self) -> bool {
        core::mem::take(&mut self.frames_left) > 0
    }

    /// The chunk before which the gate holds the writer; 0 if the gate is open.
    pub(crate) fn gate(&self) -> u32 {
        self.gate
    }

    /// The size that the stream changes to before its next frame. Answers once.
    pub(crate) fn take_source_change(&mut self) -> Option<Size> {
        let is_new = self.frames_left == 0;
        let change = self
            .source_change
            .take_if(|change| is_new && change.frame == 1)?;

        Some(change.size)
    }

    /// The plan of the job that starts now, after [`take_source_change`](Self::take_source_change)
    /// had no answer.
    pub(crate) fn next_job(&mut self) -> Plan {
        self.last_job = self.last_job.wrapping_add(1);
        let first_frame = self.frames_left == 0;
        if first_frame {
            self.frames_left = self.frames;
            if let Some(change) = &mut self.source_change {
                change.frame = change.frame.saturating_sub(1);
            }
        }
        self.frames_left -= 1;

        let error = self.fail_error.hits();
        let lost = self.fail_lost.hits();
        let late = self.fail_late.hits();
        Plan {
            job: self.last_job,
            first_frame,
            last_frame: self.frames_left == 0,
            job_time: self.job_time,
            chunks: self.chunks,
            chunk_delay: self.chunk_delay,
            completion: self.completion,
            watchdog: self.watchdog,
            fault: match (error, lost, late) {
                // A lost completion hides what it would have told, and never comes.
                (_, true, _) => Some(Fault::Lost),
                (_, false, true) => Some(Fault::Late),
                (true, false, false) => Some(Fault::Error),
                (false, false, false) => None,
            },
        }
    }
}
