//! What of the world an operation reads and changes. Two calls that overlap in time and touch the same part, one of them
//! changing it, leave the model in doubt about that part.

use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

use program::{Dmabuf, File, MAX_FILES, Op, Queue, Sync};

/// A set of parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts(u128);

/// Parts of an open file.
const ALLOCATED: [u32; 2] = [0, 1];
const STATES: [u32; 2] = [2, 3];
const STREAM: u32 = 4;
const FORMATS: u32 = 5;
const EVENTS: u32 = 6;
const KNOBS: u32 = 7;
/// Parts of one file.
const PER_FILE: u32 = 8;
/// The first bits of dma-buf and sync_file slots.
const DMABUFS: u32 = 64;
const SYNCS: u32 = 96;

impl Parts {
    /// None.
    pub(crate) const NONE: Self = Self(0);

    fn of_file(file: File, part: u32) -> Self {
        Self(1 << (Self::first(file) + part))
    }

    /// An open file with a number beyond all slots shares the bits of another, which can only leave more in doubt.
    fn first(file: File) -> u32 {
        u32::from(file.0 % MAX_FILES) * PER_FILE
    }

    /// Which buffers a queue has.
    pub(crate) fn allocated(file: File, queue: Queue) -> Self {
        Self::of_file(file, ALLOCATED[usize::from(queue == Queue::Capture)])
    }

    /// What state they and the queue are in.
    pub(crate) fn states(file: File, queue: Queue) -> Self {
        Self::of_file(file, STATES[usize::from(queue == Queue::Capture)])
    }

    /// All of a queue.
    pub(crate) fn queue(file: File, queue: Queue) -> Self {
        Self::allocated(file, queue) | Self::states(file, queue)
    }

    /// How far the stream is: mem2mem's part.
    pub(crate) fn stream(file: File) -> Self {
        Self::of_file(file, STREAM)
    }

    pub(crate) fn formats(file: File) -> Self {
        Self::of_file(file, FORMATS)
    }

    pub(crate) fn events(file: File) -> Self {
        Self::of_file(file, EVENTS)
    }

    fn knobs(file: File) -> Self {
        Self::of_file(file, KNOBS)
    }

    /// All of an open file.
    pub(crate) fn file(file: File) -> Self {
        Self(0xff << Self::first(file))
    }

    fn dmabuf(dmabuf: Dmabuf) -> Self {
        Self(1 << (DMABUFS + u32::from(dmabuf.0)))
    }

    fn sync(sync: Sync) -> Self {
        Self(1 << (SYNCS + u32::from(sync.0)))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Parts {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Parts {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl BitAnd for Parts {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Parts {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

/// What an operation touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touch {
    pub(crate) reads: Parts,
    pub(crate) writes: Parts,
}

impl Touch {
    /// Everything that it touches.
    pub(crate) fn all(self) -> Parts {
        self.reads | self.writes
    }

    /// What may come out differently if the two change places.
    pub(crate) fn conflict(self, other: Self) -> Parts {
        (self.writes & other.all()) | (other.writes & self.all())
    }
}

const BOTH: [Queue; 2] = [Queue::Output, Queue::Capture];

/// What this operation touches.
pub(crate) fn touches(op: &Op) -> Touch {
    let (reads, writes) = of_file(op).or_else(|| of_slots(op)).unwrap_or_default();
    Touch { reads, writes }
}

fn of_file(op: &Op) -> Option<(Parts, Parts)> {
    let import = |dmabuf: &Option<Dmabuf>| dmabuf.map_or(Parts::NONE, Parts::dmabuf);
    Some(match *op {
        Op::Open { file, .. } | Op::CloseFile { file } => (Parts::NONE, Parts::file(file)),
        Op::SetFormat { file, .. } => {
            let busy = BOTH.map(|queue| Parts::allocated(file, queue));
            (busy[0] | busy[1], Parts::formats(file))
        }
        Op::TryFormat { .. } | Op::Wrong { .. } => (Parts::NONE, Parts::NONE),
        Op::GetFormat { file, .. } => (Parts::formats(file), Parts::NONE),
        Op::Reqbufs { file, queue, .. } | Op::CreateBufs { file, queue, .. } => {
            (Parts::formats(file), Parts::queue(file, queue))
        }
        Op::RemoveBufs { file, queue, .. } => (Parts::NONE, Parts::queue(file, queue)),
        Op::Querybuf { file, queue, .. } => (Parts::queue(file, queue), Parts::NONE),
        Op::PrepareBuf {
            file,
            queue,
            ref dmabuf,
            ..
        }
        | Op::Qbuf {
            file,
            queue,
            ref dmabuf,
            ..
        } => {
            let reads = Parts::allocated(file, queue) | Parts::formats(file) | import(dmabuf);
            (reads | Parts::stream(file), Parts::states(file, queue))
        }
        Op::Dqbuf { file, queue, .. } => {
            (Parts::allocated(file, queue), Parts::states(file, queue))
        }
        Op::Streamon { file, queue } => (Parts::allocated(file, queue), Parts::states(file, queue)),
        Op::Streamoff { file, queue } => {
            let writes = Parts::states(file, queue) | Parts::stream(file);
            (Parts::allocated(file, queue), writes)
        }
        Op::Expbuf {
            dmabuf,
            file,
            queue,
            ..
        } => (Parts::allocated(file, queue), Parts::dmabuf(dmabuf)),
        Op::MmapFile { file, queue, .. } => (Parts::allocated(file, queue), Parts::NONE),
        Op::DecoderCmd { file, .. } | Op::EncoderCmd { file, .. } => {
            let [output, capture] = BOTH.map(|queue| Parts::states(file, queue));
            (output, capture | Parts::stream(file))
        }
        Op::PollFile { file, .. } => {
            let [output, capture] = BOTH.map(|queue| Parts::states(file, queue));
            (output | capture | Parts::events(file), Parts::NONE)
        }
        Op::Subscribe { file, .. } | Op::Unsubscribe { file, .. } | Op::Dqevent { file } => {
            (Parts::NONE, Parts::events(file))
        }
        Op::SourceChange { file, .. } => (Parts::NONE, Parts::knobs(file) | Parts::stream(file)),
        Op::GateClose { file, .. }
        | Op::GateOpen { file }
        | Op::JobTime { file, .. }
        | Op::Chunks { file, .. }
        | Op::Completion { file, .. }
        | Op::Watchdog { file, .. }
        | Op::Fail { file, .. } => (Parts::NONE, Parts::knobs(file)),
        _ => return None,
    })
}

fn of_slots(op: &Op) -> Option<(Parts, Parts)> {
    let of_dmabuf = |dmabuf| (Parts::dmabuf(dmabuf), Parts::NONE);
    let of_sync = |sync| (Parts::sync(sync), Parts::NONE);
    Some(match *op {
        Op::CloseDmabuf { dmabuf } => (Parts::NONE, Parts::dmabuf(dmabuf)),
        Op::DupDmabuf { dmabuf, from } => (Parts::dmabuf(from), Parts::dmabuf(dmabuf)),
        Op::DupSync { sync, from } => (Parts::sync(from), Parts::sync(sync)),
        Op::MmapDmabuf { dmabuf, .. } => of_dmabuf(dmabuf),
        Op::CloseSync { sync } => (Parts::NONE, Parts::sync(sync)),
        Op::ExportSync { sync, dmabuf, .. } => (Parts::dmabuf(dmabuf), Parts::sync(sync)),
        Op::ImportSync { dmabuf, sync, .. } => {
            (Parts::dmabuf(dmabuf) | Parts::sync(sync), Parts::NONE)
        }
        Op::Merge { sync, a, b } => (Parts::sync(a) | Parts::sync(b), Parts::sync(sync)),
        Op::CpuSync { dmabuf, .. } | Op::PollDmabuf { dmabuf, .. } | Op::Check { dmabuf } => {
            of_dmabuf(dmabuf)
        }
        Op::FileInfo { sync } | Op::SetDeadline { sync, .. } | Op::PollSync { sync, .. } => {
            of_sync(sync)
        }
        _ => return None,
    })
}
