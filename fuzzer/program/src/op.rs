//! The operations of a program: one enum, from which parser, printer, generator and agent are all driven.
//!
//! Resources live in numbered slots of one kind each: video files (`a`…`h`), dma-bufs (`d0`…), sync_files (`s0`…), media
//! requests (`r0`…), mappings (`m0`…). An operation on an empty or closed slot is legal: the agent passes descriptor -1 and the kernel answers `EBADF`.

mod questions;

use serde::{Deserialize, Serialize};

pub use questions::{Control, Question, QueueQuestion};

/// Most video file handles a program can hold (`a` to `h`).
pub const MAX_FILES: u8 = 8;
/// Most dma-buf slots (`d0` to `d31`).
pub const MAX_DMABUFS: u8 = 32;
/// Most sync_file slots (`s0` to `s31`).
pub const MAX_SYNCS: u8 = 32;
/// Most request slots (`r0` to `r15`).
pub const MAX_REQUESTS: u8 = 16;
/// Most mapping slots (`m0` to `m15`).
pub const MAX_MAPS: u8 = 16;
/// Most operations in one program; the agent's reply is bounded by it.
pub const MAX_OPS: usize = 256;

/// Most bytes for which an exporter is asked; the agent itself answers `ENOMEM` to more. No exporter knows when to stop, and the
/// kernel would kill the agent to get its pages back.
pub const MAX_ALLOCATION: u32 = 64 << 20;

/// How long `sync d0 start …` waits for fences until a signal interrupts it: longer than a watchdog usually takes, and shorter
/// than one can be told to, so that programs find out whether the wait can be interrupted.
pub const CPU_ACCESS_LIMIT: Micros = Micros(1_500_000);

/// A video file handle slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct File(pub u8);

/// A dma-buf slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dmabuf(pub u8);

/// A sync_file slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sync(pub u8);

/// A media request slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Request(pub u8);

/// A slot of a mapping of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Map(pub u8);

/// Which video node is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Node {
    /// `double`: the device under test, whichever driver that is; the double's first node, which is its decoder unless the
    /// lab is told otherwise.
    Double,
    /// `encoder`: the double's stateful encoder.
    Encoder,
    /// `m2m`: the double's converter, which takes requests.
    M2m,
    /// `decoder-mplane`: its decoder with multi-planar queues.
    DecoderMplane,
    /// `encoder-mplane`: its encoder with multi-planar queues.
    EncoderMplane,
    /// `m2m-mplane`: its converter with multi-planar queues.
    M2mMplane,
}

/// Which vb2 queue of a mem2mem device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Queue {
    /// `out`: the OUTPUT queue, which userspace fills and the device reads.
    Output,
    /// `cap`: the CAPTURE queue, which the device writes.
    Capture,
}

/// A pixel format of the double, which says how many memories a buffer of a multi-planar queue has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pixels {
    /// None asked for: the driver takes its first.
    First,
    /// `GREY`: one memory.
    Grey,
    /// `NV12`: one memory.
    Nv12,
    /// `NM12`: two memories.
    Nm12,
    /// `YM12`: three memories.
    Ym12,
}

/// The dma-bufs of the second and third plane of a DMABUF buffer. There is no third without a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MorePlanes {
    /// Of plane 1.
    pub second: Option<Dmabuf>,
    /// Of plane 2.
    pub third: Option<Dmabuf>,
}

impl MorePlanes {
    /// They, in order.
    pub fn iter(self) -> impl Iterator<Item = Dmabuf> {
        self.second.into_iter().chain(self.third)
    }
}

/// `enum v4l2_memory`, as far as programs use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Memory {
    /// `mmap`: the driver allocates.
    Mmap,
    /// `dmabuf`: userspace imports a dma-buf at QBUF.
    Dmabuf,
    /// `userptr`: userspace gives memory of its own at QBUF. The agent keeps as many pages for each buffer as its planes need.
    Userptr,
}

/// What makes dma-bufs besides video devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Exporter {
    /// `udmabuf`: `/dev/udmabuf`, of a sealed memfd of that size. It takes whole pages only.
    Udmabuf,
    /// `heap`: `/dev/dma_heap/system`, which rounds up to whole pages.
    Heap,
}

/// Direction of an access to a dma-buf, as in `DMA_BUF_SYNC_READ`/`WRITE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Access {
    /// `r`
    Read,
    /// `w`
    Write,
    /// `rw`
    ReadWrite,
}

/// Begin or end of `DMA_BUF_IOCTL_SYNC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SyncEdge {
    /// `start`
    Start,
    /// `end`
    End,
}

/// What to poll for on a video node or dma-buf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Interest {
    /// `in`: `POLLIN`
    In,
    /// `out`: `POLLOUT`
    Out,
    /// `pri`: `POLLPRI` (V4L2 events)
    Pri,
}

/// From which context the double completes its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Completion {
    /// `timer`: an hrtimer callback, interrupts off, like a hardware interrupt.
    Timer,
    /// `work`: a workqueue item, which may sleep.
    Work,
    /// `inline`: inside `device_run` itself.
    Inline,
    /// `lock`: an hrtimer callback that gives back both buffers under mem2mem's job lock.
    Lock,
    /// `pipelined`: mem2mem's job is over when the hardware is kicked; the buffers are given back later, so that jobs of
    /// several files are under way at once.
    Pipelined,
}

/// A knob of the double that has no operation of its own. `module/vb2_double/knobs.md` tells what each does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Knob {
    /// `frames`: CAPTURE buffers that one OUTPUT buffer feeds.
    Frames,
    /// `not_ready`: 1 while no job is ready.
    NotReady,
    /// `min_queued`: buffers that are to be queued before streaming starts, OUTPUT plus 256 times CAPTURE.
    MinQueued,
    /// `suspend`: 1 while no job of the node runs.
    Suspend,
    /// `fail_late`: the interrupt of the n-th job from now comes after its watchdog.
    FailLate,
    /// `abort`: 1 if STREAMOFF and close wait for the writer, 0 if they stop it.
    Abort,
}

/// A fault that the double injects into one of its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// `error`: the job ends with `VB2_BUF_STATE_ERROR`.
    Error,
    /// `lost`: the completion interrupt is lost; only the watchdog ends the job.
    Lost,
}

/// `V4L2_DEC_CMD_*`, and `V4L2_ENC_CMD_*` as far as encoders have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DecoderCmd {
    /// `start`
    Start,
    /// `stop`
    Stop,
    /// `pause`
    Pause,
    /// `resume`
    Resume,
    /// `flush`, which encoders lack: the number of no command
    Flush,
}

/// V4L2 event types a program subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// `source_change`
    SourceChange,
    /// `eos`
    Eos,
}

/// How DQBUF waits for a buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Wait {
    /// `not`, which is left out: it takes what is there.
    #[default]
    Not,
    /// `wait`: in poll(2), before it.
    Poll,
    /// `block`: inside, without `O_NONBLOCK`. STREAMOFF ends it.
    Block,
}

/// The calls that can be made in a wrong way, by the name of their ioctl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VideoCall {
    /// `g_fmt`
    GetFormat,
    /// `s_fmt`
    SetFormat,
    /// `try_fmt`
    TryFormat,
    /// `reqbufs`
    Reqbufs,
    /// `create_bufs`
    CreateBufs,
    /// `remove_bufs`
    RemoveBufs,
    /// `querybuf`
    Querybuf,
    /// `prepare_buf`
    PrepareBuf,
    /// `qbuf`
    Qbuf,
    /// `dqbuf`
    Dqbuf,
    /// `expbuf`
    Expbuf,
    /// `streamon`
    Streamon,
    /// `streamoff`
    Streamoff,
}

/// What is wrong with a call. One that has no such argument gets the type of the other planarity instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mistake {
    /// `type`: that of the same direction, but multi-planar for a single-planar queue and the other way round.
    Type,
    /// `class`: the type of a queue that no mem2mem device has, `V4L2_BUF_TYPE_SDR_CAPTURE`.
    Class,
    /// `memory`: `V4L2_MEMORY_OVERLAY`, which nobody supports.
    Memory,
    /// `index`: of no buffer.
    Index,
    /// `planes`: none told, of a multi-planar buffer.
    Planes,
}

/// Virtual time in microseconds. Text form: `250us`, `5ms`, `2s`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Micros(pub u32);

/// One operation. The comment of each variant is its text form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Op {
    /// `a = open double` or `a = open m2m`
    Open { file: File, node: Node },
    /// `close a`
    CloseFile { file: File },
    /// `close d0`
    CloseDmabuf { dmabuf: Dmabuf },
    /// `close s0`
    CloseSync { sync: Sync },
    /// `close r0`
    CloseRequest { request: Request },
    /// `b = dup a`: dup(2); the file is closed when the last of its descriptors and mappings goes
    DupFile { file: File, from: File },
    /// `d1 = dup d0`: dup(2)
    DupDmabuf { dmabuf: Dmabuf, from: Dmabuf },
    /// `s1 = dup s0`: dup(2)
    DupSync { sync: Sync, from: Sync },
    /// `m0 = mmap a cap 0` or, of another plane than 0, `m0 = mmap a cap 0 1`: VIDIOC_QUERYBUF and mmap(2) of the video node.
    /// The slot must be empty, else `EBUSY`. The mapping keeps the plane's memory, and the file open
    MmapFile {
        map: Map,
        file: File,
        queue: Queue,
        index: u32,
        plane: u32,
    },
    /// `m0 = mmap d0`: mmap(2) of a dma-buf, which it keeps
    MmapDmabuf { map: Map, dmabuf: Dmabuf },
    /// `touch m0`: load the plane through that mapping, and store its first word back
    Touch { map: Map },
    /// `munmap m0`: munmap(2)
    Munmap { map: Map },
    /// `s_fmt a out 64x64` or `s_fmt a cap 64x64 YM12`: VIDIOC_S_FMT
    SetFormat {
        file: File,
        queue: Queue,
        width: u32,
        height: u32,
        pixels: Pixels,
    },
    /// `try_fmt a cap 64x64` or `try_fmt a cap 64x64 YM12`: VIDIOC_TRY_FMT
    TryFormat {
        file: File,
        queue: Queue,
        width: u32,
        height: u32,
        pixels: Pixels,
    },
    /// `wrong a streamoff cap type`: a call that no device of any driver takes, and that must change nothing
    Wrong {
        file: File,
        call: VideoCall,
        queue: Queue,
        mistake: Mistake,
    },
    /// `g_fmt a cap`: VIDIOC_G_FMT
    GetFormat { file: File, queue: Queue },
    /// `reqbufs a out mmap 2`, also `dmabuf` and `userptr`: VIDIOC_REQBUFS
    Reqbufs {
        file: File,
        queue: Queue,
        memory: Memory,
        count: u32,
    },
    /// `create_bufs a cap mmap 1`: VIDIOC_CREATE_BUFS with the current format
    CreateBufs {
        file: File,
        queue: Queue,
        memory: Memory,
        count: u32,
    },
    /// `remove_bufs a cap 0 1`: VIDIOC_REMOVE_BUFS, first index and count
    RemoveBufs {
        file: File,
        queue: Queue,
        index: u32,
        count: u32,
    },
    /// `querybuf a cap 0`: VIDIOC_QUERYBUF
    Querybuf {
        file: File,
        queue: Queue,
        index: u32,
    },
    /// `prepare_buf a cap 0` or, for DMABUF memory, `prepare_buf a cap 0 d1` (see QBUF): VIDIOC_PREPARE_BUF
    PrepareBuf {
        file: File,
        queue: Queue,
        index: u32,
        dmabuf: Option<Dmabuf>,
        more: MorePlanes,
    },
    /// `qbuf a out 0`, which brings the agent's pages for USERPTR memory, or, for DMABUF memory, `qbuf a cap 0 d1` or, plane by
    /// plane, `qbuf a cap 0 d1 d2 d3`, or into a request, `qbuf a out 0 in r0`, or of a slice whose frame goes on,
    /// `qbuf a out 0 hold`, or with a timestamp other than 0, `qbuf a out 0 at 7us`: VIDIOC_QBUF
    Qbuf {
        file: File,
        queue: Queue,
        index: u32,
        dmabuf: Option<Dmabuf>,
        more: MorePlanes,
        hold: bool,
        stamp: Micros,
        request: Option<Request>,
    },
    /// `dqbuf a cap` (never blocks), `dqbuf a cap wait` (polls first) or `dqbuf a cap block` (waits in the kernel), each at most 10 s of
    /// virtual time: VIDIOC_DQBUF
    Dqbuf {
        file: File,
        queue: Queue,
        wait: Wait,
    },
    /// `d0 = expbuf a cap 0` or, of another plane than 0, `d1 = expbuf a cap 0 1`: VIDIOC_EXPBUF, `O_RDWR`
    Expbuf {
        dmabuf: Dmabuf,
        file: File,
        queue: Queue,
        index: u32,
        plane: u32,
    },
    /// `d0 = udmabuf 4096` or `d0 = heap 4096`: a dma-buf of so many bytes, 64 MiB at most, that no video device made
    Allocate {
        dmabuf: Dmabuf,
        exporter: Exporter,
        bytes: u32,
    },
    /// `streamon a out`: VIDIOC_STREAMON
    Streamon { file: File, queue: Queue },
    /// `streamoff a out`: VIDIOC_STREAMOFF
    Streamoff { file: File, queue: Queue },
    /// `s0 = export_sync d0 rw`: DMA_BUF_IOCTL_EXPORT_SYNC_FILE, followed by SYNC_IOC_FILE_INFO
    ExportSync {
        sync: Sync,
        dmabuf: Dmabuf,
        access: Access,
    },
    /// `import_sync d0 s0 w`: DMA_BUF_IOCTL_IMPORT_SYNC_FILE
    ImportSync {
        dmabuf: Dmabuf,
        sync: Sync,
        access: Access,
    },
    /// `sync d0 start r`: DMA_BUF_IOCTL_SYNC
    CpuSync {
        dmabuf: Dmabuf,
        edge: SyncEdge,
        access: Access,
    },
    /// `s2 = merge s0 s1`: SYNC_IOC_MERGE
    Merge { sync: Sync, a: Sync, b: Sync },
    /// `s0 = sw_sync`: SW_SYNC_IOC_CREATE_FENCE on a new software timeline, followed by SYNC_IOC_FILE_INFO. The timeline is the
    /// slot's until another takes its place, which ends the fence of the old one with an error, or the program is over; closing
    /// the sync_file leaves it alone
    SwSync { sync: Sync },
    /// `signal s0`: SW_SYNC_IOC_INC on the slot's timeline, which ends its fence; `EBADF` if it never had one
    Signal { sync: Sync },
    /// `file_info s0`: SYNC_IOC_FILE_INFO
    FileInfo { sync: Sync },
    /// `set_deadline s0 5ms`: SYNC_IOC_SET_DEADLINE, from now
    SetDeadline { sync: Sync, after: Micros },
    /// `poll s0` or `poll s0 5ms`: poll(2) for POLLIN; a ready sync_file is followed by SYNC_IOC_FILE_INFO
    PollSync { sync: Sync, timeout: Micros },
    /// `poll d0 in 5ms`: poll(2) on the dma-buf
    PollDmabuf {
        dmabuf: Dmabuf,
        interest: Interest,
        timeout: Micros,
    },
    /// `poll a in 5ms`: poll(2) on the video node
    PollFile {
        file: File,
        interest: Interest,
        timeout: Micros,
    },
    /// `r0 = request a`: MEDIA_IOC_REQUEST_ALLOC on the media device of the file's node
    AllocRequest { request: Request, file: File },
    /// `queue r0`: MEDIA_REQUEST_IOC_QUEUE
    QueueRequest { request: Request },
    /// `reinit r0`: MEDIA_REQUEST_IOC_REINIT
    ReinitRequest { request: Request },
    /// `poll r0` or `poll r0 5ms`: poll(2) for POLLPRI, which says that the request is complete
    PollRequest { request: Request, timeout: Micros },
    /// `check d0`: read the plane through its mapping: stamp, pattern, checksum
    Check { dmabuf: Dmabuf },
    /// `decoder_cmd a stop`: VIDIOC_DECODER_CMD
    DecoderCmd { file: File, cmd: DecoderCmd },
    /// `encoder_cmd a stop`: VIDIOC_ENCODER_CMD
    EncoderCmd { file: File, cmd: DecoderCmd },
    /// `unsubscribe a source_change`: VIDIOC_UNSUBSCRIBE_EVENT
    Unsubscribe { file: File, event: EventKind },
    /// `subscribe a source_change`: VIDIOC_SUBSCRIBE_EVENT
    Subscribe { file: File, event: EventKind },
    /// `dqevent a`: VIDIOC_DQEVENT
    Dqevent { file: File },
    /// `ctrl a get hflip` or, of a request that is complete, `ctrl a get hflip in r0`: VIDIOC_G_EXT_CTRLS
    GetControl {
        file: File,
        control: Control,
        request: Option<Request>,
    },
    /// `ctrl a set hflip 1` or, into a request, `ctrl a set hflip 1 in r0`: VIDIOC_S_EXT_CTRLS. Numbers from 2^31 on are the negative ones
    SetControl {
        file: File,
        control: Control,
        value: u32,
        request: Option<Request>,
    },
    /// `ctrl a try bitrate 100` or `ctrl a try hflip 1 in r0`: VIDIOC_TRY_EXT_CTRLS
    TryControl {
        file: File,
        control: Control,
        value: u32,
        request: Option<Request>,
    },
    /// `ctrl a query gop`: VIDIOC_QUERY_EXT_CTRL
    QueryControl { file: File, control: Control },
    /// `ask a querycap`: an ioctl that only asks
    Ask { file: File, question: Question },
    /// `ask a enum_fmt cap`: one that asks about a queue
    AskQueue {
        file: File,
        question: QueueQuestion,
        queue: Queue,
    },
    /// `advance 5ms`: let virtual time pass
    Advance { time: Micros },
    /// `gate a close` or `gate a close 2`: hold the writer before that chunk
    GateClose { file: File, chunk: u32 },
    /// `gate a open`
    GateOpen { file: File },
    /// `job_time a 2ms`: time from the kick to the first chunk
    JobTime { file: File, time: Micros },
    /// `chunks a 4 500us`: how many chunks the writer makes and the time between them
    Chunks {
        file: File,
        count: u32,
        delay: Micros,
    },
    /// `completion a timer`
    Completion { file: File, context: Completion },
    /// `knob a frames 3`: any other knob of the double
    SetKnob { file: File, knob: Knob, value: u32 },
    /// `watchdog a 50ms`: the time after which the watchdog ends a job (1 ms to 2 s)
    Watchdog { file: File, time: Micros },
    /// `fail a error 1`: the n-th job from now (1 = the next) meets the fault
    Fail { file: File, fault: Fault, job: u32 },
    /// `source_change a 2 128x64`: before the n-th OUTPUT frame from now (1 = the next) the stream changes size
    SourceChange {
        file: File,
        frame: u32,
        width: u32,
        height: u32,
    },
    /// `fail_nth 3`: the third allocation that the kernel makes for the system calls of the next operation fails
    /// (`/proc/thread-self/fail-nth`)
    FailNth { nth: u32 },
    /// `unload double`: delete_module of the test double; what opens it fails from then on
    Unload,
    /// `load double`: init_module of the test double
    Load,
    /// `reload double`: delete_module and init_module of the test double
    Reload,
    /// `join`: wait for every operation started with `async`
    Join,
}

/// One line of a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// What to do.
    pub op: Op,
    /// `async`: another thread does it; the program goes on 10 us of virtual time later. Nothing that makes or closes a
    /// slot, no `join` and no `advance` can be asynchronous.
    pub asynchronous: bool,
}

/// A whole program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Program {
    /// Its steps, in order.
    pub steps: Vec<Step>,
}
