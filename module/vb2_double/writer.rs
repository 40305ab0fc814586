// SPDX-License-Identifier: GPL-2.0

//! The write engine: fills a CAPTURE plane chunk by chunk and stamps it with its very last store.

use crate::{
    clock,
    vb2::{buffer::Plane, trace::Phase}, //
};
use kernel::sync::barrier::{smp_mb, Write};

/// Most chunks of a job.
pub(crate) const MAX_CHUNKS: u32 = 64;

/// `VB2_DOUBLE_STAMP_MAGIC`
const MAGIC: u64 = 0x3262_7663_656e_6566;

/// `struct vb2_double_stamp`, as indices of 64-bit words.
mod stamp {
    pub(super) const MAGIC: usize = 0;
    pub(super) const JOB: usize = 1;
    pub(super) const TIME: usize = 2;
    pub(super) const WORDS: usize = 3;
    /// The first word after the stamp.
    pub(super) const END: usize = 4;
}

const _: () = assert!(stamp::END * size_of::<u64>() == 32);

/// From which context the hardware writes and completes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// An hrtimer callback, like an interrupt handler.
    Timer,
    /// A workqueue item, like a threaded one.
    Work,
    /// `device_run` itself, like a driver that polls.
    Inline,
}

/// What goes wrong with a job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It completes, with an error.
    Error,
    /// Its completion is lost.
    Lost,
}

/// How a job is to go. Times are in nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// The job's id.
    pub(crate) job: u64,
    /// From the kick to the first chunk.
    pub(crate) job_time: u64,
    /// Number of chunks.
    pub(crate) chunks: u32,
    /// Between two chunks.
    pub(crate) chunk_delay: u64,
    /// From where the job completes.
    pub(crate) completion: Completion,
    /// From the kick to the end that the watchdog makes.
    pub(crate) watchdog: u64,
    /// What goes wrong.
    pub(crate) fault: Option<Fault>,
}

/// What the writer waits for.
pub(crate) enum Progress {
    /// For this time.
    Until(u64),
    /// For the gate.
    Held,
    /// For nothing: the stamp is stored, nothing will be written any more.
    Written,
}

/// The write engine at work on one plane.
///
/// # Invariants
///
/// The memory of the plane is kept for as long as the writer exists.
pub(crate) struct Writer {
    plane: Plane,
    job: u64,
    /// Pattern words after the stamp.
    words: u64,
    chunks: u32,
    written: u32,
    chunk_delay: u64,
    /// When the next chunk may be written.
    due: u64,
}

impl Writer {
    /// A writer of the first `bytes` of the plane, kicked `now`.
    ///
    /// # Safety
    ///
    /// The writer is dropped before the buffer that the plane came from is given back, or the
    /// memory of the plane is kept by other means.
    pub(crate) unsafe fn new(plan: &Plan, plane: Plane, bytes: usize, now: u64) -> Self {
        let words = bytes.min(plane.len()) / size_of::<u64>();

        // INVARIANT: By the caller.
        Self {
            plane,
            job: plan.job,
            words: words.saturating_sub(stamp::END) as u64,
            chunks: plan.chunks,
            written: 0,
            chunk_delay: plan.chunk_delay,
            due: now.saturating_add(plan.job_time),
        }
    }

    /// When the next chunk may be written.
    pub(crate) fn due(&self) -> u64 {
        self.due
    }

    /// Writes all chunks that are due, up to the gate. `tell` hears of the first and of the last
    /// store.
    pub(crate) fn advance(&mut self, now: u64, gate: u32, tell: impl Fn(Phase)) -> Progress {
        while self.written < self.chunks {
            if now < self.due {
                return Progress::Until(self.due);
            }
            if gate == self.written + 1 {
                return Progress::Held;
            }
            self.write_chunk(&tell);
            self.due = now.saturating_add(self.chunk_delay);
        }
        Progress::Written
    }

    /// Writes the next chunk, whatever its time. False if there was none.
    pub(crate) fn write_chunk(&mut self, tell: &impl Fn(Phase)) -> bool {
        if self.written >= self.chunks {
            return false;
        }
        if self.written == 0 {
            tell(Phase::FirstStore);
            self.store(stamp::MAGIC, 0);
        }

        let (chunk, chunks) = (u64::from(self.written), u64::from(self.chunks));
        for word in self.words * chunk / chunks..self.words * (chunk + 1) / chunks {
            self.store(stamp::END + word as usize, pattern(self.job, word));
        }

        self.written += 1;
        if self.written == self.chunks {
            self.stamp();
            tell(Phase::LastStore);
        }
        true
    }

    /// Goes on in another mapping of the same memory.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new), for that mapping.
    #[cfg(plant = "abort_signals_early")]
    pub(crate) unsafe fn move_to(&mut self, plane: Plane) {
        // INVARIANT: By the caller.
        self.plane = plane;
    }

    fn stamp(&self) {
        self.store(stamp::JOB, self.job);
        self.store(stamp::WORDS, self.words);
        self.store(stamp::TIME, clock::now());
        // Whoever sees the magic sees all the rest.
        smp_mb(Write);
        self.store(stamp::MAGIC, MAGIC);
    }

    fn store(&self, index: usize, word: u64) {
        // SAFETY: By the type's invariant.
        unsafe { self.plane.store(index, word) };
    }
}

/// `vb2_double_word()`
fn pattern(job: u64, word: u64) -> u64 {
    job.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word.wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
