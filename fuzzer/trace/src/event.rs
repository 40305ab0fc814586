//! Everything that one run of one program was observed to do, in the order in which it was observed.
//!
//! Times are nanoseconds of CLOCK_MONOTONIC since the program started (virtual time on `uml`). Identities that the kernel
//! hands out (fence contexts, queue addresses) are replaced by small numbers in order of first appearance, so that the same
//! program gives the same trace, byte for byte, whatever ran before it.

use serde::{Deserialize, Serialize};

/// A run: the events, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// In order of observation. Ledger records that arrived while an operation ran stand before its [`Event::Call`].
    pub events: Vec<Event>,
}

impl Trace {
    /// Whether a call did not return: its thread is lost to the target, and holds its descriptors open.
    pub fn is_stuck(&self) -> bool {
        let mut events = self.events.iter();
        events.any(|event| matches!(event, Event::Stuck { .. }))
    }
}

/// One observation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An `async` operation was handed to its thread; its [`Event::Call`] follows when it returns.
    Begin { op: u16, time: u64 },
    /// An operation returned.
    Call(Call),
    /// The kernel's fence ledger recorded something.
    Ledger(Record),
    /// The ring of the ledger overran: so many records were lost.
    LedgerLost { count: u64 },
    /// The agent looked at something of its own accord (after DQBUF, and at the end).
    Look(Look),
    /// A kernel log line of level warning or worse. Addresses, pids and times are normalised.
    Log { level: u8, text: String },
    /// A stage of the run was reached.
    Mark { mark: Mark, time: u64 },
    /// An allocation was to fail in this operation, whose [`Event::Call`] follows. `hit` if it made that many.
    Fault { op: u16, hit: bool },
    /// An `async` operation did not return before the end of the run.
    Stuck { op: u16 },
    /// The target died before the run ended (written by the host).
    Died { how: Death },
}

/// Stages after the last operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// The last operation returned (`async` ones may still run).
    ProgramEnd,
    /// No system call on any video node or dma-buf was made for the whole finite-time bound (watchdog maximum plus
    /// slack, 3 s of virtual time) since ProgramEnd. Whatever is pending now is pending forever. [`Look`]s follow.
    Quiet,
    /// Video files were closed; dma-bufs and sync_files are still held. [`Look`]s follow.
    VideoClosed,
    /// Every descriptor was closed, mappings gone, deferred work settled.
    AllClosed,
}

/// How a target died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Death {
    /// The kernel panicked or oopsed.
    Panic,
    /// It did not answer within the wall-clock limit.
    Hang,
    /// The connection ended for another reason.
    Lost,
}

/// The result of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Index into `Program::steps`.
    pub op: u16,
    /// When it was called.
    pub start: u64,
    /// When it returned.
    pub end: u64,
    /// What it returned; an errno (positive) if it failed.
    pub result: Result<Out, i32>,
}

/// What a successful operation told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Out {
    /// Nothing but success.
    Done,
    /// `S_FMT`, `G_FMT`
    Format {
        width: u32,
        height: u32,
        sizeimage: u32,
    },
    /// `REQBUFS` (index 0), `CREATE_BUFS`
    Buffers { index: u32, count: u32 },
    /// `QUERYBUF`, `PREPARE_BUF`, `QBUF`, `DQBUF`: fields of `struct v4l2_buffer`
    Buffer {
        index: u32,
        flags: u32,
        bytesused: u32,
        length: u32,
        sequence: u32,
    },
    /// `EXPBUF`: size of the dma-buf
    Exported { size: u64 },
    /// `export_sync`, `merge`, `file_info`, and `poll` on a ready sync_file
    Sync(SyncInfo),
    /// `poll` on anything else, or on a sync_file that is not ready: the `revents`
    Polled { revents: u16 },
    /// `check`
    Content(Content),
    /// `DQEVENT`: `v4l2_event.type` and its sequence
    Event {
        kind: u32,
        changes: u32,
        sequence: u32,
    },
    /// `ctrl get`, `set` and `try`: the value that the control has, or would have
    Value { value: i32 },
    /// `ctrl query`: fields of `struct v4l2_query_ext_ctrl`
    Control {
        kind: u32,
        minimum: i64,
        maximum: i64,
        default: i64,
    },
}

/// `struct sync_file_info`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncInfo {
    /// 1 signalled, 0 pending, negative: a fence ended with that error.
    pub status: i32,
    /// The fences in it.
    pub fences: Vec<FenceInfo>,
}

/// `struct sync_fence_info`, names parsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceInfo {
    /// Driver name; the stub is told apart by `stub`. Read while pending only ("detached-driver" afterwards).
    pub driver: String,
    /// Status as in [`SyncInfo::status`].
    pub status: i32,
    /// Signal time relative to program start; 0 while pending; negative for what was signalled before (the stub).
    pub timestamp: i64,
    /// `(context, seqno)` if the sync_file's name told them (a single pending vb2 fence): normalised context.
    pub id: Option<FenceId>,
}

/// Identity of a fence: normalised context and seqno.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FenceId {
    /// Number of the context in order of first appearance, from 1. 0 is the kernel's own context 0.
    pub context: u32,
    /// `dma_fence.seqno`
    pub seqno: u64,
}

/// What the agent saw in a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Stamp that the double left as its last store, if its magic is there.
    pub stamp: Option<Stamp>,
    /// Number of leading payload words that follow the stamped job's pattern (all, if the frame is whole).
    pub good_words: u32,
    /// Payload words that the stamp claims.
    pub words: u32,
    /// Hash over the whole plane except the stamp's time.
    pub hash: u64,
}

/// The double's stamp, normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Job id.
    pub job: u64,
    /// Time of the last store.
    pub time: i64,
}

/// Something the agent looked at without being told to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// State of a sync_file slot.
    Sync { slot: u8, info: SyncInfo },
    /// Content of the plane behind a dma-buf slot.
    Dmabuf { slot: u8, content: Content },
    /// poll(POLLIN|POLLOUT) on a dma-buf slot, at the end.
    Poll { slot: u8, revents: u16 },
    /// A look failed with this errno.
    Failed { what: Looked, slot: u8, errno: i32 },
    /// What is left when everything is closed: so many more dma-bufs, and references to modules, than when the run began.
    Objects { dmabufs: i32, users: i32 },
}

/// What kind of slot a failed look was at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Looked {
    /// sync_file
    Sync,
    /// dma-buf
    Dmabuf,
}

/// One ledger record, normalised. See `module/include/fence_ledger.h` for the raw form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    pub time: u64,
    /// Whether interrupts could come.
    pub irqs: Irqs,
    /// What.
    pub kind: Kind,
}

/// What the CPU that recorded something was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Irqs {
    /// Interrupts could come.
    On,
    /// They were off, as they are under the lock of a fence: every signal in task context is told like this.
    Off,
    /// It ran the handler of a hard interrupt.
    Handler,
}

/// A plane's buffer as the ledger names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BufferId {
    /// Number of the `vb2_queue` in order of first appearance in this run, from 1.
    pub queue: u32,
    /// True for an OUTPUT queue.
    pub output: bool,
    /// Index in the queue.
    pub index: u32,
}

/// What the ledger recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// `dma_fence_init` of a vb2 fence
    Init { fence: FenceId },
    /// The helper added the fence to the resv of this plane. `usage`: `enum dma_resv_usage` (1 WRITE, 2 READ)
    Attach {
        fence: FenceId,
        buffer: BufferId,
        plane: u32,
        usage: u32,
        /// Number of the reservation object in order of first appearance, from 1: planes, buffers and queues that share
        /// memory share it. 0 if the kernel does not tell.
        resv: u32,
    },
    /// `dma_fence_signaled`; error as in `dma_fence_set_error` (0 or negative)
    Signal { fence: FenceId, error: i32 },
    /// `dma_fence_destroy`
    Destroy { fence: FenceId },
    /// `vb2_buf_queue`: the driver now owns the buffer
    Queue { buffer: BufferId },
    /// `vb2_buf_done`; `state`: `enum vb2_buffer_state` (5 DONE, 6 ERROR, 3 QUEUED)
    Done { buffer: BufferId, state: u32 },
    /// The driver told a step of a hardware job on this buffer
    Job {
        buffer: BufferId,
        job: u64,
        phase: Phase,
    },
    /// Somebody called `dma_fence_signal` or its like on this fence, which was signalled
    Again { fence: FenceId },
    /// The buffer that the driver got just before stands on memory of user space, which nobody can share
    Userptr { buffer: BufferId },
}

/// Steps of a hardware job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The hardware is about to be kicked (all fences are attached).
    Start,
    /// First store into the CAPTURE plane.
    FirstStore,
    /// Last store (the stamp), or the last store before an abort gave up.
    LastStore,
    /// The driver is done with the job and is about to return its buffers.
    End,
}
