//! What of the world an operation reads and changes. Two calls that overlap in time and touch the same part, one of them
//! changing it, leave the model in doubt about that part.

use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

use program::{Dmabuf, File, MAX_FILES, Op, Queue, Request, Sync};

/// A set of parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts(u128, u32);

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
    /// All requests.
    const REQUESTS: Self = Self(0, u32::MAX);
    /// None.
    pub(crate) const NONE: Self = Self(0, 0);

    fn of_file(file: File, part: u32) -> Self {
        Self(1 << (Self::first(file) + part), 0)
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

    /// What becomes of requests when this queue is stopped.
    fn of_requests(queue: Queue) -> Self {
        match queue {
            Queue::Output => Self::REQUESTS,
            Queue::Capture => Self::NONE,
        }
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

    pub(crate) fn knobs(file: File) -> Self {
        Self::of_file(file, KNOBS)
    }

    /// All of an open file.
    pub(crate) fn file(file: File) -> Self {
        Self(0xff << Self::first(file), 0)
    }

    fn dmabuf(dmabuf: Dmabuf) -> Self {
        Self(1 << (DMABUFS + u32::from(dmabuf.0)), 0)
    }

    /// Whether slots of dma-bufs are among them.
    pub(crate) fn has_dmabufs(self) -> bool {
        (self.0 >> DMABUFS) as u32 != 0
    }

    pub(crate) fn sync(sync: Sync) -> Self {
        Self(1 << (SYNCS + u32::from(sync.0)), 0)
    }

    pub(crate) fn request(request: Request) -> Self {
        Self(0, 1 << request.0)
    }

    /// The OUTPUT buffers of all files: which of them are in a request an operation does not say.
    fn all_outputs() -> Self {
        let files = (0..MAX_FILES).map(|file| Self::states(File(file), Queue::Output));
        files.fold(Self::NONE, |all, one| all | one)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0 && self.1 == 0
    }
}

impl BitOr for Parts {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0, self.1 | other.1)
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
        Self(self.0 & other.0, self.1 & other.1)
    }
}

impl Not for Parts {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0, !self.1)
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

/// Whether it may take or drop a hold on the memory of buffers: a dma-buf, a mapping, an import. That shows in
/// `V4L2_BUF_FLAG_MAPPED` of any call that looks at such a buffer, whichever file it belongs to.
pub(crate) fn moves_holds(op: &Op) -> bool {
    match op {
        Op::Qbuf { dmabuf, .. } | Op::PrepareBuf { dmabuf, .. } => dmabuf.is_some(),
        Op::MmapFile { .. }
        | Op::MmapDmabuf { .. }
        | Op::Munmap { .. }
        | Op::Reqbufs { .. }
        | Op::RemoveBufs { .. }
        | Op::DupFile { .. }
        | Op::CloseFile { .. }
        | Op::Open { .. } => true,
        _ => touches(op).writes.has_dmabufs(),
    }
}

fn of_file(op: &Op) -> Option<(Parts, Parts)> {
    let import = |dmabuf: &Option<Dmabuf>| dmabuf.map_or(Parts::NONE, Parts::dmabuf);
    Some(match *op {
        Op::Open { file, .. } | Op::CloseFile { file } => {
            (Parts::NONE, Parts::file(file) | Parts::REQUESTS)
        }
        Op::AllocRequest { request, .. } => (Parts::NONE, Parts::request(request)),
        Op::SetFormat { file, .. } => {
            let busy = BOTH.map(|queue| Parts::allocated(file, queue));
            (busy[0] | busy[1], Parts::formats(file))
        }
        Op::TryFormat { .. } | Op::Wrong { .. } => (Parts::NONE, Parts::NONE),
        Op::GetFormat { file, .. } => (Parts::formats(file), Parts::NONE),
        Op::Reqbufs { file, queue, .. } => {
            let requests = Parts::of_requests(queue);
            (Parts::formats(file), Parts::queue(file, queue) | requests)
        }
        Op::CreateBufs { file, queue, .. } => (Parts::formats(file), Parts::queue(file, queue)),
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
            let request = match *op {
                Op::Qbuf { request, .. } => request.map_or(Parts::NONE, Parts::request),
                _ => Parts::NONE,
            };
            let more = imported_beside(op);
            (
                reads | more | Parts::stream(file),
                Parts::states(file, queue) | request,
            )
        }
        Op::Dqbuf { file, queue, .. } => {
            (Parts::allocated(file, queue), Parts::states(file, queue))
        }
        Op::Streamon { file, queue } => (Parts::allocated(file, queue), Parts::states(file, queue)),
        Op::Streamoff { file, queue } => {
            // Without input a drain is over: `v4l2_m2m_update_stop_streaming_state()` finishes a CAPTURE buffer as the last.
            let states = BOTH.map(|queue| Parts::states(file, queue));
            let states = match queue {
                Queue::Output => states[0] | states[1],
                Queue::Capture => states[1],
            };
            let writes = states | Parts::stream(file);
            (
                Parts::allocated(file, queue),
                writes | Parts::of_requests(queue),
            )
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
        Op::GetControl { file, request, .. } => match request {
            Some(request) => (Parts::request(request), Parts::NONE),
            None => (Parts::knobs(file), Parts::NONE),
        },
        // What is in a request becomes the file's, when its job starts.
        Op::SetControl { file, request, .. } => {
            let request = request.map_or(Parts::NONE, Parts::request);
            (Parts::NONE, Parts::knobs(file) | request)
        }
        Op::TryControl { request, .. } => {
            (request.map_or(Parts::NONE, Parts::request), Parts::NONE)
        }
        Op::QueryControl { .. } | Op::Ask { .. } | Op::AskQueue { .. } => {
            (Parts::NONE, Parts::NONE)
        }
        Op::SourceChange { file, .. } => (Parts::NONE, Parts::knobs(file) | Parts::stream(file)),
        Op::GateClose { file, .. }
        | Op::GateOpen { file }
        | Op::JobTime { file, .. }
        | Op::Chunks { file, .. }
        | Op::Completion { file, .. }
        | Op::Watchdog { file, .. }
        | Op::SetKnob { file, .. }
        | Op::Fail { file, .. } => (Parts::NONE, Parts::knobs(file)),
        _ => return None,
    })
}

/// The dma-bufs of further planes.
fn imported_beside(op: &Op) -> Parts {
    let (Op::Qbuf { more, .. } | Op::PrepareBuf { more, .. }) = op else {
        return Parts::NONE;
    };
    more.iter()
        .fold(Parts::NONE, |all, dmabuf| all | Parts::dmabuf(dmabuf))
}

fn of_slots(op: &Op) -> Option<(Parts, Parts)> {
    let of_dmabuf = |dmabuf| (Parts::dmabuf(dmabuf), Parts::NONE);
    let of_sync = |sync| (Parts::sync(sync), Parts::NONE);
    Some(match *op {
        Op::CloseRequest { request } => (Parts::NONE, Parts::request(request)),
        Op::PollRequest { request, .. } => (Parts::request(request), Parts::NONE),
        Op::QueueRequest { request } | Op::ReinitRequest { request } => {
            (Parts::NONE, Parts::request(request) | Parts::all_outputs())
        }
        Op::CloseDmabuf { dmabuf } => (Parts::NONE, Parts::dmabuf(dmabuf)),
        Op::DupDmabuf { dmabuf, from } => (Parts::dmabuf(from), Parts::dmabuf(dmabuf)),
        Op::DupSync { sync, from } => (Parts::sync(from), Parts::sync(sync)),
        Op::MmapDmabuf { dmabuf, .. } => of_dmabuf(dmabuf),
        Op::CloseSync { sync } | Op::SwSync { sync } => (Parts::NONE, Parts::sync(sync)),
        Op::Signal { sync } => of_sync(sync),
        Op::Allocate { dmabuf, .. } => (Parts::NONE, Parts::dmabuf(dmabuf)),
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
