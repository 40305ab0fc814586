//! What drills have in common: the setting under test, and what is asked of a buffer and its fence.

use anyhow::{Context, Result, ensure};

use super::stream::{Ended, Plane, Side, Stream};
use crate::sys::clock::MILLISECOND;
use crate::sys::double::{self, Knob, Stamp};

/// How drills are run.
pub(super) struct Bench {
    inert: bool,
}

impl Bench {
    pub(super) fn new(inert: bool) -> Self {
        Self { inert }
    }

    /// The setting that the drill is about. Left out if the bench is inert.
    pub(super) fn knob(&self, stream: &Stream, knob: Knob, value: u64) -> Result<()> {
        self.act(|| stream.set(knob, value))
    }

    /// Something else that the drill is about, of a drill that is about no knob.
    pub(super) fn act<T: Default>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.inert { Ok(T::default()) } else { act() }
    }

    /// What user space asks of a knob, which takes anything if the bench is inert.
    pub(super) fn ask(&self, stream: &Stream, knob: Knob, value: u64) -> nix::Result<()> {
        if self.inert {
            return Ok(());
        }
        double::set(stream.fd(), knob, value)
    }
}

/// Queues one buffer on each side and streams. Answers when that began.
pub(super) fn begin(stream: &mut Stream) -> Result<u64> {
    let time = crate::sys::clock::now();
    stream.queue(Side::Output, 0)?;
    stream.queue(Side::Capture, 0)?;
    stream.start()?;
    Ok(time)
}

/// A frame from the first call to the last. Answers when it began, and how its CAPTURE buffer ended.
pub(super) fn frame(stream: &mut Stream) -> Result<(u64, Ended)> {
    let time = begin(stream)?;
    let ended = stream.wait(Side::Capture)?;
    stream.wait(Side::Output)?;
    Ok((time, ended))
}

/// The stamp of a plane that must be whole.
pub(super) fn whole(plane: &Plane, number: usize) -> Result<Stamp> {
    let stamp = plane.stamp().context("the plane has no stamp")?;
    let good = plane.good_words(stamp.job, number);
    ensure!(
        good == stamp.words && good > 0,
        "{good} of {} words are those of job {} and plane {number}",
        stamp.words,
        stamp.job
    );
    Ok(stamp)
}

/// As [`whole`], and its fence must have signalled well and not before the last store.
pub(super) fn whole_and_signalled(plane: &Plane, number: usize, fence: &Fence) -> Result<Stamp> {
    let stamp = whole(plane, number)?;
    let (status, time) = fence.state()?;
    ensure!(status == 1, "the fence's status is {status} after the job");
    ensure!(
        time >= stamp.time_ns,
        "the fence signalled {} ns before the stamp",
        stamp.time_ns - time
    );
    Ok(stamp)
}

/// Sleeps for milliseconds.
pub(super) fn sleep(milliseconds: u64) {
    crate::sys::clock::sleep(milliseconds * MILLISECOND);
}

pub(super) use super::stream::Fence;
