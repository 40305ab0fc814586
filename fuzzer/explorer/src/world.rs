//! The reference model: what videobuf2, mem2mem and the test double do with the operations of a scope, exactly as far as a
//! scope's programs can tell.
//!
//! It says of each call what the kernel must answer ([`Told`]), and of each moment which buffers have a pending fence. The
//! lab compares both with what the kernel did in every program that it runs, so the model is not believed: two programs are
//! only taken for one after the kernel was seen to agree with the model on either.
//!
//! The rules are those of `videobuf2-core.c`, `v4l2-mem2mem.c` and `module/vb2_double`; the names of the functions below
//! are theirs where there is one.

mod apply;
mod job;
mod request;
mod stream;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use program::{Dmabuf, File, Queue, Sync};

pub(crate) use apply::HEAD_START;
pub use apply::Told;
pub(crate) use request::{MediaRequest, Progress, RequestId};

/// `EPERM`
pub(crate) const EPERM: i32 = 1;
/// `ENOENT`
pub(crate) const ENOENT: i32 = 2;
/// `EBADF`
pub(crate) const EBADF: i32 = 9;
/// `EAGAIN`
pub(crate) const EAGAIN: i32 = 11;
/// `EBUSY`
pub(crate) const EBUSY: i32 = 16;
/// `EINVAL`
pub(crate) const EINVAL: i32 = 22;
/// `ENOTTY`
pub(crate) const ENOTTY: i32 = 25;
/// `EPIPE`
pub(crate) const EPIPE: i32 = 32;
/// `EBADR`
pub(crate) const EBADR: i32 = 53;

/// An event that lies this close to the end of a wait is decided by what calls cost, which the model does not know.
/// Microseconds.
const SLACK: u64 = 80;

/// Memory of one plane: it outlives its buffer as long as it is exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plane {
    /// Bytes.
    pub(crate) size: u32,
    /// Its reservation object holds a fence that has ended.
    pub(crate) used: bool,
}

/// Number of a plane in [`World::planes`].
pub(crate) type PlaneId = usize;

/// Where a buffer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hold {
    /// With userspace.
    Dequeued,
    /// Bound to a request that was not queued.
    InRequest,
    /// Queued before STREAMON.
    Queued,
    /// On the ready list of mem2mem, perhaps in the running job.
    Ready,
    /// Waits for DQBUF.
    Done { error: bool, last: bool },
}

/// A buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Buffer {
    pub(crate) hold: Hold,
    /// Its memory; an imported buffer has none before its first QBUF.
    pub(crate) plane: Option<PlaneId>,
    /// The request that waits for it.
    pub(crate) request: Option<RequestId>,
}

/// One vb2 queue with the ready list of mem2mem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vb2Queue {
    pub(crate) streaming: bool,
    pub(crate) imports: bool,
    /// `uses_requests`: it got buffers in requests since it was last stopped,
    pub(crate) uses_requests: bool,
    /// `uses_qbuf`: or without any.
    pub(crate) uses_qbuf: bool,
    pub(crate) buffers: Vec<Buffer>,
    /// Queued before STREAMON, in order.
    pub(crate) queued: VecDeque<usize>,
    pub(crate) ready: VecDeque<usize>,
    pub(crate) done: VecDeque<usize>,
    /// `last_buffer_dequeued`
    pub(crate) last_dequeued: bool,
    /// Bytes of a frame in its format.
    pub(crate) frame: u32,
}

/// How jobs of an open file go. Times are in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Knobs {
    pub(crate) job_time: u64,
    pub(crate) chunks: u32,
    pub(crate) chunk_delay: u64,
    pub(crate) gate: u32,
    pub(crate) watchdog: u64,
    pub(crate) fail_error: u32,
    pub(crate) fail_lost: u32,
    /// STREAMOFF and close wait until the job is over.
    pub(crate) abort_waits: bool,
    /// OUTPUT frames until the stream changes, and the bytes of a frame after that.
    pub(crate) change: Option<(u32, u32)>,
}

/// The size of frames that nobody has asked for.
const DEFAULT_FRAME: u32 = 64 * 64;

impl Default for Knobs {
    fn default() -> Self {
        Self {
            job_time: 1_000,
            chunks: 4,
            chunk_delay: 0,
            gate: 0,
            watchdog: 1_000_000,
            fail_error: 0,
            fail_lost: 0,
            abort_waits: false,
            change: None,
        }
    }
}

/// An open file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) output: Vb2Queue,
    pub(crate) capture: Vb2Queue,
    pub(crate) knobs: Knobs,
    /// `supports_requests` of the OUTPUT queue.
    pub(crate) takes_requests: bool,
    /// The stream has changed and userspace has not answered: no job runs.
    pub(crate) changed: bool,
    /// `is_draining`
    pub(crate) draining: bool,
    /// `has_stopped`
    pub(crate) stopped: bool,
    /// `next_buf_last`
    pub(crate) next_last: bool,
    /// `last_src_buf`
    pub(crate) last_src: Option<usize>,
    /// `TRANS_ABORT`
    pub(crate) aborting: bool,
    /// Its descriptor is closed, but a call on it has not returned.
    pub(crate) closing: bool,
}

impl Handle {
    fn new() -> Self {
        let queue = Vb2Queue {
            frame: DEFAULT_FRAME,
            ..Vb2Queue::default()
        };
        Self {
            output: queue.clone(),
            capture: queue,
            knobs: Knobs::default(),
            takes_requests: false,
            changed: false,
            draining: false,
            stopped: false,
            next_last: false,
            last_src: None,
            aborting: false,
            closing: false,
        }
    }

    pub(crate) fn queue(&self, queue: Queue) -> &Vb2Queue {
        match queue {
            Queue::Output => &self.output,
            Queue::Capture => &self.capture,
        }
    }

    pub(crate) fn queue_mut(&mut self, queue: Queue) -> &mut Vb2Queue {
        match queue {
            Queue::Output => &mut self.output,
            Queue::Capture => &mut self.capture,
        }
    }
}

/// What goes wrong with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Error,
    Lost,
}

/// The job that the hardware works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) file: u8,
    /// Index of the OUTPUT buffer, and its memory.
    pub(crate) src: (usize, PlaneId),
    /// Index of the CAPTURE buffer, and its memory.
    pub(crate) dst: (usize, PlaneId),
    pub(crate) chunks: u32,
    pub(crate) written: u32,
    pub(crate) chunk_delay: u64,
    /// When the next chunk may be written.
    pub(crate) due: u64,
    /// When the watchdog bites.
    pub(crate) deadline: u64,
    pub(crate) started: u64,
    pub(crate) fault: Option<Fault>,
}

/// A sync_file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyncFile {
    /// There was nothing to wait for when it was made.
    Idle,
    /// Its fence is pending: that of this memory.
    Pending(PlaneId),
    /// Its fence was pending when it was made, and has ended.
    Ended,
}

/// The state after some operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// Microseconds since the program began.
    pub(crate) now: u64,
    pub(crate) files: BTreeMap<u8, Handle>,
    /// The job that the device runs.
    pub(crate) running: Option<Job>,
    /// Files on mem2mem's job queue, without the one whose job runs.
    pub(crate) waiting: VecDeque<u8>,
    pub(crate) planes: Vec<Plane>,
    pub(crate) requests: Vec<MediaRequest>,
    /// Request slots and the requests behind them.
    pub(crate) request_slots: BTreeMap<u8, RequestId>,
    /// dma-buf slots and the memory behind them.
    pub(crate) exports: BTreeMap<u8, PlaneId>,
    pub(crate) syncs: BTreeMap<u8, SyncFile>,
    /// The dma-buf slots that were ever filled.
    pub(crate) filled: BTreeSet<u8>,
    /// How often a queue got buffers.
    pub(crate) allocations: u32,
    /// The STREAMOFF of another thread that waits for the running job, with the lock of the queues: file and queue.
    pub(crate) blocked: Option<(u8, Queue)>,
    /// The operation is done by another thread.
    beside: bool,
    /// The program sleeps, so kworkers run.
    asleep: bool,
    /// The model was asked what it cannot know: an event was too close to the end of a wait.
    pub(crate) close_call: bool,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// Nothing is open.
    pub fn new() -> Self {
        Self {
            now: 0,
            files: BTreeMap::new(),
            running: None,
            waiting: VecDeque::new(),
            planes: Vec::new(),
            requests: Vec::new(),
            request_slots: BTreeMap::new(),
            exports: BTreeMap::new(),
            syncs: BTreeMap::new(),
            filled: BTreeSet::new(),
            allocations: 0,
            blocked: None,
            beside: false,
            asleep: false,
            close_call: false,
        }
    }

    /// Whether the model was asked what it cannot know: something happens so close to the end of a wait that the cost of
    /// the calls before decides whether it happens inside.
    pub fn is_uncertain(&self) -> bool {
        self.close_call
    }

    /// How often a queue got buffers.
    pub fn allocations(&self) -> u32 {
        self.allocations
    }

    /// The first dma-buf slot that was never filled.
    pub fn free_export(&self) -> Dmabuf {
        let free = (0..).find(|slot| !self.filled.contains(slot));
        Dmabuf(free.unwrap_or(u8::MAX))
    }

    /// The newest export of a buffer's present memory.
    pub fn newest_export(&self, file: File, queue: Queue, index: usize) -> Option<Dmabuf> {
        let handle = self.files.get(&file.0)?;
        let plane = handle.queue(queue).buffers.get(index)?.plane?;
        let mut exports = self.exports.iter().rev();
        exports
            .find(|(_, exported)| **exported == plane)
            .map(|(slot, _)| Dmabuf(*slot))
    }

    /// The buffers that have a pending fence: direction (true for OUTPUT) and index. `None` if the hardware is about to end
    /// that at this very moment.
    pub fn pending(&self) -> Option<Vec<(bool, u32)>> {
        (!self.is_due()).then(|| self.running.iter().flat_map(Job::fenced).collect())
    }

    /// Whether any file has a descriptor.
    pub fn is_open(&self) -> bool {
        self.files.values().any(|handle| !handle.closing)
    }

    /// Whether another thread's operation has not returned.
    pub fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    fn sync(&self, sync: Sync) -> Result<SyncFile, i32> {
        self.syncs.get(&sync.0).copied().ok_or(EBADF)
    }

    /// The memory behind a dma-buf slot.
    fn exported(&self, dmabuf: Dmabuf) -> Result<PlaneId, i32> {
        self.exports.get(&dmabuf.0).copied().ok_or(EBADF)
    }

    fn handle(&mut self, file: File) -> Result<&mut Handle, i32> {
        let handle = self.files.get_mut(&file.0);
        handle.filter(|handle| !handle.closing).ok_or(EBADF)
    }

    fn new_plane(&mut self, size: u32) -> PlaneId {
        self.planes.push(Plane { size, used: false });
        self.planes.len() - 1
    }
}

impl Job {
    fn fenced(&self) -> [(bool, u32); 2] {
        // Indices of buffers are below 32.
        [(true, self.src.0 as u32), (false, self.dst.0 as u32)]
    }
}
