//! What there is: open files, memories, dma-bufs and sync_files; and what each operation must answer.

mod controls;
mod slots;

use std::collections::{BTreeMap, BTreeSet};

use program::{Driver, File, Map, Memory, MorePlanes, Op, Pixels, Queue, VideoCall};

use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::buffer::Buffer;
use crate::device;
use crate::errno::{EBADF, EBUSY, EINVAL, ENOENT, ENOTTY};
use crate::give::{Brought, Given, Into, Size};
use crate::handle::Handle;
use crate::memory::{Memories, MemoryId};
use crate::part::{Parts, touches};
use crate::request::{Request, RequestId, Stage};

/// What is behind a dma-buf slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Export {
    /// The memory, if it is known which.
    pub(crate) memory: Option<MemoryId>,
    pub(crate) size: Size,
}

/// What is behind a mapping slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// The open file that it is a mapping of; none for that of a dma-buf.
    pub(crate) file: Option<u8>,
    /// The memory, if it is known which.
    pub(crate) memory: Option<MemoryId>,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) driver: Driver,
    pub(crate) files: BTreeMap<u8, Handle>,
    pub(crate) memories: Memories,
    pub(crate) dmabufs: BTreeMap<u8, Export>,
    pub(crate) syncs: BTreeSet<u8>,
    /// The sync_file slots that have a software timeline.
    pub(crate) timelines: BTreeSet<u8>,
    /// The mappings.
    pub(crate) maps: BTreeMap<u8, Mapped>,
    /// What is in the request slots.
    pub(crate) requests: BTreeMap<u8, RequestId>,
    /// Every request that there ever was.
    pub(crate) all_requests: Vec<Request>,
    /// Where each queue of the ledger is: file and direction.
    pub(crate) places: BTreeMap<u32, (u8, Queue)>,
    /// What overlapping calls have left in doubt.
    pub(crate) doubt: Parts,
    /// A file was closed while a call on it ran, which keeps it open.
    pub(crate) lingers: bool,
    /// Whether the module is loaded, if that is known.
    pub(crate) loaded: Option<bool>,
}

const NO_FILE: &str = "no file is open in the slot";

impl World {
    /// Nothing is open.
    pub(crate) fn new(driver: Driver) -> Self {
        Self {
            driver,
            files: BTreeMap::new(),
            memories: Memories::default(),
            dmabufs: BTreeMap::new(),
            syncs: BTreeSet::new(),
            timelines: BTreeSet::new(),
            maps: BTreeMap::new(),
            requests: BTreeMap::new(),
            all_requests: Vec::new(),
            places: BTreeMap::new(),
            doubt: Parts::NONE,
            lingers: false,
            loaded: Some(true),
        }
    }

    /// What the kernel must answer to this operation now.
    pub(crate) fn predict(&self, op: &Op) -> Guess {
        match self.slot_is_missing(op) {
            Some(refused) => refused,
            None if !(self.doubt & touches(op).all()).is_empty() => {
                unknown("calls that ran at the same time can have come in any order")
            }
            None => self.slots(op).unwrap_or_else(|| self.call(op)),
        }
    }

    /// Operations on slots that hold nothing.
    fn slot_is_missing(&self, op: &Op) -> Option<Guess> {
        if let Some(refused) = self.map_is_wrong(op) {
            return Some(refused);
        }
        if let Some(file) = file_of(op) {
            let missing = !self.files.contains_key(&file.0) && !matches!(op, Op::Open { .. });
            return missing.then(|| fails(EBADF, NO_FILE));
        }
        let request = match *op {
            Op::CloseRequest { request }
            | Op::QueueRequest { request }
            | Op::ReinitRequest { request }
            | Op::PollRequest { request, .. } => Some(request),
            _ => None,
        };
        let (dmabuf, sync) = match *op {
            Op::CloseDmabuf { dmabuf }
            | Op::ExportSync { dmabuf, .. }
            | Op::ImportSync { dmabuf, .. }
            | Op::CpuSync { dmabuf, .. }
            | Op::PollDmabuf { dmabuf, .. }
            | Op::DupDmabuf { from: dmabuf, .. }
            | Op::MmapDmabuf { dmabuf, .. }
            | Op::Check { dmabuf } => (Some(dmabuf), None),
            Op::CloseSync { sync }
            | Op::FileInfo { sync }
            | Op::SetDeadline { sync, .. }
            | Op::DupSync { from: sync, .. }
            | Op::PollSync { sync, .. } => (None, Some(sync)),
            Op::Merge { a, .. } => (None, Some(a)),
            _ => (None, None),
        };
        let no_dmabuf = dmabuf.is_some_and(|dmabuf| !self.dmabufs.contains_key(&dmabuf.0));
        let no_sync = sync.is_some_and(|sync| !self.syncs.contains(&sync.0));
        let no_request = request.is_some_and(|request| !self.requests.contains_key(&request.0));
        (no_dmabuf || no_sync || no_request).then(|| fails(EBADF, "the slot holds no descriptor"))
    }

    /// Operations on mapping slots that hold something, or nothing, against the rules.
    fn map_is_wrong(&self, op: &Op) -> Option<Guess> {
        let there = |map: Map| self.maps.contains_key(&map.0);
        match *op {
            Op::MmapFile { map, .. } | Op::MmapDmabuf { map, .. } if there(map) => {
                Some(fails(EBUSY, "the slot holds a mapping"))
            }
            Op::Touch { map } | Op::Munmap { map } if !there(map) => {
                Some(fails(EBADF, "the slot holds no mapping"))
            }
            _ => None,
        }
    }

    /// Operations on a video file that is open.
    fn call(&self, op: &Op) -> Guess {
        let Some(handle) = file_of(op).and_then(|file| self.files.get(&file.0)) else {
            return unknown("an operation that the model has not learnt");
        };
        if let Op::Wrong { call, .. } = op {
            return wrong(self.driver, *call);
        }
        if let Some(refused) = handle.device.lacks(op) {
            return refused;
        }
        match *op {
            Op::AllocRequest { .. } => self.alloc_request(handle.device),
            Op::TryFormat {
                queue,
                width,
                height,
                pixels,
                ..
            } => try_format(handle, queue, pixels, (width, height)),
            Op::SetFormat {
                queue,
                width,
                height,
                pixels,
                ..
            } => self.set_format(handle, queue, pixels, (width, height)),
            Op::GetFormat { queue, .. } => ok(
                Told::Format(handle.format(queue).map(|format| format.told())),
                "it is the current format",
            ),
            Op::Reqbufs { queue, count, .. } => {
                let most = handle.device.most_buffers(handle.format(queue));
                match most {
                    Some(most) => handle.queue(queue).reqbufs(count, most),
                    None if count > 0 && !handle.queue(queue).streaming => {
                        unknown("how many buffers the driver gives")
                    }
                    None => handle.queue(queue).reqbufs(count, 0),
                }
            }
            Op::CreateBufs {
                queue,
                memory,
                count,
                ..
            } => {
                let most = handle.device.most_buffers(handle.format(queue));
                match most {
                    Some(most) => handle.queue(queue).create_bufs(memory, count, most),
                    None => unknown("how many buffers the driver gives"),
                }
            }
            Op::RemoveBufs {
                queue,
                index,
                count,
                ..
            } => handle.queue(queue).remove_bufs(index, count),
            Op::Querybuf { queue, index, .. } => handle.query(queue, index, &self.memories),
            Op::PrepareBuf { .. } | Op::Qbuf { .. } => match self.given(op) {
                Some(given) => handle.give(&given, &self.memories),
                None => unknown("an operation that the model has not learnt"),
            },
            Op::Dqbuf { queue, .. } => handle.dequeue(queue, &self.memories),
            Op::MmapFile {
                queue,
                index,
                plane,
                ..
            } => mmap(handle, queue, index, plane),
            Op::Expbuf {
                queue,
                index,
                plane,
                ..
            } => self.expbuf(handle, (queue, index, plane)),
            _ => self.stream(handle, op),
        }
    }

    /// Operations that start, stop and steer, and those that tell what came of it.
    fn stream(&self, handle: &Handle, op: &Op) -> Guess {
        match *op {
            Op::Streamon { queue, .. } => handle.queue(queue).streamon(),
            Op::Streamoff { .. } => ok(Told::Done, "vb2_core_streamoff() always succeeds"),
            Op::DecoderCmd { .. } if !handle.tells_last() => {
                unknown("how far this driver's drain is")
            }
            Op::DecoderCmd { cmd, .. } => {
                let both = handle.output.streaming && handle.capture.streaming;
                handle.m2m.command(cmd, both)
            }
            Op::Unsubscribe { .. } => ok(
                Told::Done,
                "v4l2_event_unsubscribe() does not mind what was not subscribed",
            ),
            Op::EncoderCmd { .. } => unknown("commands of encoders"),
            Op::Subscribe { event, .. } => handle.device.subscribe(event),
            Op::Dqevent { .. } => match handle.events.first() {
                _ if !handle.tells_last() && handle.events.is_subscribed() => {
                    unknown("when this driver sends events")
                }
                Some((kind, changes, sequence)) => ok(
                    Told::Event(kind, changes, sequence),
                    "__v4l2_event_dequeue() takes the oldest",
                ),
                None => fails(ENOENT, "__v4l2_event_dequeue() finds no event"),
            },
            Op::PollFile { interest, .. } => handle.poll(interest),
            Op::GetControl { .. }
            | Op::SetControl { .. }
            | Op::TryControl { .. }
            | Op::QueryControl { .. }
            | Op::Ask { .. }
            | Op::AskQueue { .. } => self.control(handle, op),
            _ => device::knob(handle, op),
        }
    }

    fn set_format(&self, handle: &Handle, queue: Queue, pixels: Pixels, size: (u32, u32)) -> Guess {
        if handle.queue(queue).busy {
            return fails(EBUSY, "vb2_is_busy(): the queue has buffers");
        }
        let output = handle.format(Queue::Output);
        let format = handle.device.set_format(queue, pixels, size, output);
        let told = format.map(|format| format.told());
        ok(Told::Format(told), "S_FMT makes the size fit")
    }

    fn expbuf(&self, handle: &Handle, (queue, index, plane): (Queue, u32, u32)) -> Guess {
        let content = handle.queue(queue);
        let Some(buffer) = content.get(index) else {
            return fails(EINVAL, "vb2_get_buffer() finds no such buffer");
        };
        let Some(plane) = buffer.planes().get(plane as usize) else {
            return fails(EINVAL, "vb2_core_expbuf() finds no such plane");
        };
        match plane.memory {
            None => fails(EINVAL, "vb2_core_expbuf() exports MMAP memory only"),
            Some(memory) => ok(
                Told::Exported(self.memories.size(memory)),
                "vb2_core_expbuf() exports whole pages",
            ),
        }
    }

    /// What a QBUF or PREPARE_BUF is given.
    pub(crate) fn given(&self, op: &Op) -> Option<Given> {
        let (queue, index, dmabuf, more, request, prepare) = match *op {
            Op::Qbuf {
                queue,
                index,
                dmabuf,
                more,
                request,
                ..
            } => (queue, index, dmabuf, more, request, false),
            Op::PrepareBuf {
                queue,
                index,
                dmabuf,
                more,
                ..
            } => (queue, index, dmabuf, more, None, true),
            _ => return None,
        };
        let multi = file_of(op).is_some_and(|file| {
            let handle = self.files.get(&file.0);
            handle.is_some_and(|handle| handle.device.is_multi())
        });
        let imports = dmabuf.map(|first| self.imports(first, more));
        Some(Given {
            queue,
            index,
            brought: imports.or_else(|| self.own_memory(file_of(op)?, queue, index)),
            request: request.map(|request| self.asked_request(request.0, multi)),
            prepare,
        })
    }

    /// Whether a call names memory whose pages may lie anywhere.
    pub(crate) fn imports_pages(&self, op: &Op) -> bool {
        let brought = self.given(op).and_then(|given| given.brought);
        brought.into_iter().flatten().any(|plane| match plane {
            Brought::Dmabuf(_, Some(memory)) => self.memories.is_scattered(memory),
            _ => false,
        })
    }

    fn imports(&self, first: program::Dmabuf, more: MorePlanes) -> [Brought; 3] {
        let import = |dmabuf: program::Dmabuf| match self.dmabufs.get(&dmabuf.0) {
            Some(Export { memory, size }) => Brought::Dmabuf(*size, *memory),
            None => Brought::Empty,
        };
        let next = |dmabuf: Option<program::Dmabuf>| dmabuf.map_or(Brought::Missing, import);
        [import(first), next(more.second), next(more.third)]
    }

    /// Whether a call brings memory of the agent.
    pub(crate) fn brings_own(&self, op: &Op) -> bool {
        let given = self.given(op);
        given.is_some_and(|given| given.memory() == Memory::Userptr)
    }

    /// What the agent brings to a queue that was asked with memory of user space.
    pub(crate) fn own_memory(&self, file: File, queue: Queue, index: u32) -> Option<[Brought; 3]> {
        let content = self.files.get(&file.0)?.queue(queue);
        if content.memory != Some(Memory::Userptr) {
            return None;
        }
        let mut brought = [Brought::Own(None); 3];
        let planes = content.get(index).into_iter().flat_map(Buffer::planes);
        for (place, plane) in brought.iter_mut().zip(planes) {
            *place = Brought::Own(plane.min_length);
        }
        Some(brought)
    }

    fn asked_request(&self, slot: u8, multi: bool) -> Into {
        let request = self.request(slot);
        Into {
            id: self.requests.get(&slot).copied(),
            fits: request.is_some_and(|request| request.multi == multi),
            stage: request.map_or(Stage::Unclear, |request| request.stage),
        }
    }
}

/// TRY_FMT answers what S_FMT would, also while the queue has buffers.
fn try_format(handle: &Handle, queue: Queue, pixels: Pixels, size: (u32, u32)) -> Guess {
    let output = handle.format(Queue::Output);
    let format = handle.device.set_format(queue, pixels, size, output);
    let told = format.map(|format| format.told());
    ok(Told::Format(told), "TRY_FMT makes the size fit")
}

/// Of all drivers vim2m alone lacks one of these calls. The others are refused by `check_fmt()` in v4l2-ioctl.c, and where that does
/// not look by `v4l2_m2m_ioctl_remove_bufs()`, `vb2_core_expbuf()`, `v4l2_m2m_streamoff()` or `vb2_streamon()`, all for the type;
/// for the memory by `vb2_verify_memory_type()` and `vb2_queue_or_prepare_buf()`, for the index by `vb2_get_buffer()` or
/// `vb2_core_remove_bufs()`, for missing planes by `__verify_planes_array()`.
fn wrong(driver: Driver, call: VideoCall) -> Guess {
    match (driver, call) {
        (Driver::Vim2m, VideoCall::RemoveBufs) => {
            fails(ENOTTY, "is_valid_ioctl(): the driver has no such ioctl")
        }
        _ => fails(EINVAL, "no queue takes such a call"),
    }
}

/// QUERYBUF, and `vb2_mmap()` at the offset that it tells.
fn mmap(handle: &Handle, queue: Queue, index: u32, plane: u32) -> Guess {
    match handle.queue(queue).get(index) {
        None => fails(EINVAL, "vb2_get_buffer() finds no such buffer"),
        Some(buffer) => match buffer.planes().get(plane as usize) {
            None => fails(EINVAL, "the buffer has no such plane"),
            Some(plane) if plane.memory.is_none() => {
                fails(EINVAL, "a buffer of DMABUF or USERPTR memory has no offset")
            }
            Some(_) => ok(Told::Done, "vb2_mmap() finds the plane at its offset"),
        },
    }
}

/// The video file that an operation works on.
pub(crate) fn file_of(op: &Op) -> Option<File> {
    op.file()
}
