// SPDX-License-Identifier: GPL-2.0

//! The write engine: fills the planes of a CAPTURE buffer chunk by chunk and stamps them with its
//! very last stores.

use crate::{
    clock,
    formats::PerPlane,
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
    /// As [`Timer`](Self::Timer), and the buffers are given back under mem2mem's job lock.
    Locked,
    /// As [`Timer`](Self::Timer), and for mem2mem the job ends when the hardware is kicked.
    Pipelined,
}

/// What goes wrong with a job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It completes, with an error.
    Error,
    /// Its completion is lost.
    Lost,
    /// Its completion comes after the watchdog has ended it.
    Late,
}

/// How a job is to go. Times are in nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// The job's id.
    pub(crate) job: u64,
    /// The OUTPUT buffer had no frame before this one.
    pub(crate) first_frame: bool,
    /// It has no more frames after this one.
    pub(crate) last_frame: bool,
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

/// One plane that is written.
struct Target {
    plane: Plane,
    /// What the pattern is made of.
    seed: u64,
    /// Pattern words after the stamp.
    words: u64,
}

impl Target {
    fn new(job: u64, index: usize, plane: Plane, bytes: usize) -> Self {
        let words = bytes.min(plane.len()) / size_of::<u64>();

        Self {
            plane,
            seed: job ^ (index as u64) << 56,
            words: words.saturating_sub(stamp::END) as u64,
        }
    }

    /// Stores chunk number `chunk` of `chunks`.
    fn write_chunk(&self, chunk: u64, chunks: u64) {
        for word in self.words * chunk / chunks..self.words * (chunk + 1) / chunks {
            self.store(stamp::END + word as usize, pattern(self.seed, word));
        }
    }

    fn clear(&self) {
        self.store(stamp::MAGIC, 0);
    }

    fn stamp(&self, job: u64) {
        self.store(stamp::JOB, job);
        self.store(stamp::WORDS, self.words);
        self.store(stamp::TIME, clock::now());
        // Whoever sees the magic sees all the rest.
        smp_mb(Write);
        self.store(stamp::MAGIC, MAGIC);
    }

    fn store(&self, index: usize, word: u64) {
        // SAFETY: A target is a part of a writer, by whose invariant the memory is kept.
        unsafe { self.plane.store(index, word) };
    }
}

/// The write engine at work on one frame.
///
/// # Invariants
///
/// The memory of the planes is kept for as long as the writer exists.
pub(crate) struct Writer {
    targets: PerPlane<Option<Target>>,
    job: u64,
    chunks: u32,
    written: u32,
    chunk_delay: u64,
    /// When the next chunk may be written.
    due: u64,
}

impl Writer {
    /// A writer of the first bytes of each plane, kicked `now`.
    ///
    /// # Safety
    ///
    /// The writer is dropped before the buffer that the planes came from is given back, or their
    /// memory is kept by other means.
    pub(crate) unsafe fn new(
        plan: &Plan,
        mut planes: PerPlane<Option<Plane>>,
        bytes: PerPlane<usize>,
        now: u64,
    ) -> Self {
        // INVARIANT: By the caller.
        Self {
            targets: core::array::from_fn(|index| {
                let plane = planes[index].take()?;
                Some(Target::new(plan.job, index, plane, bytes[index]))
            }),
            job: plan.job,
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
            if cfg!(plant = "signals_before_last_write") && self.written + 1 == self.chunks {
                return Progress::Written;
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
            self.targets.iter().flatten().for_each(Target::clear);
        }

        let (chunk, chunks) = (u64::from(self.written), u64::from(self.chunks));
        for target in self.targets.iter().flatten() {
            target.write_chunk(chunk, chunks);
        }

        self.written += 1;
        if self.written == self.chunks {
            // The stamp of the first plane says that all the others are there.
            for target in self.targets.iter().flatten().rev() {
                target.stamp(self.job);
            }
            tell(Phase::LastStore);
        }
        true
    }

    /// Goes on in another mapping of the first plane's memory, and leaves the others alone.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new), for that mapping.
    #[cfg(orphans)]
    pub(crate) unsafe fn move_to(&mut self, plane: Plane) {
        let [first, others @ ..] = &mut self.targets;

        others.fill_with(|| None);
        // INVARIANT: By the caller.
        if let Some(target) = first {
            target.plane = plane;
        }
    }
}

/// `vb2_double_word()`
fn pattern(seed: u64, word: u64) -> u64 {
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word.wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
