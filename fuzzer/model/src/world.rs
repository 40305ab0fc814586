//! What there is: open files, memories, dma-bufs and sync_files; and what each operation must answer.

use std::collections::{BTreeMap, BTreeSet};

use program::{Driver, File, Map, Node, Op, Pixels, Queue, VideoCall};

use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::device;
use crate::errno::{EAGAIN, EBADF, EBUSY, EINVAL, ENOENT, ENOTTY};
use crate::handle::{Given, Handle, Size};
use crate::memory::{Memories, MemoryId};
use crate::part::{Parts, touches};

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
    /// The mappings.
    pub(crate) maps: BTreeMap<u8, Mapped>,
    /// Where each queue of the ledger is: file and direction.
    pub(crate) places: BTreeMap<u32, (u8, Queue)>,
    /// What overlapping calls have left in doubt.
    pub(crate) doubt: Parts,
    /// A file was closed while a call on it ran, which keeps it open.
    pub(crate) lingers: bool,
    /// There was a request: it holds the driver as long as its descriptor, or a buffer in it, lives.
    pub(crate) requested: bool,
    /// Memory was made to run out: calls can fail in ways that the model does not follow.
    pub(crate) lost: bool,
    /// The module was unloaded at some time; who loaded it again is not followed.
    pub(crate) unloaded: bool,
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
            maps: BTreeMap::new(),
            places: BTreeMap::new(),
            doubt: Parts::NONE,
            lingers: false,
            requested: false,
            lost: false,
            unloaded: false,
        }
    }

    /// What the kernel must answer to this operation now.
    pub(crate) fn predict(&self, op: &Op) -> Guess {
        if self.lost {
            return unknown("what fails for want of memory, and what follows from it");
        }
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
        (no_dmabuf || no_sync).then(|| fails(EBADF, "the slot holds no descriptor"))
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

    /// Operations on dma-bufs, sync_files and the device.
    fn slots(&self, op: &Op) -> Option<Guess> {
        let done = |why| ok(Told::Done, why);
        Some(match *op {
            Op::Open { .. } | Op::Reload if self.unloaded => unknown("whether the module is there"),
            Op::Unload | Op::Load => unknown("whether the module is there"),
            Op::Open {
                node: Node::Double, ..
            } => done("the device is there"),
            Op::Open { .. } => unknown("whether the double has this node"),
            Op::DupFile { .. } | Op::DupDmabuf { .. } | Op::DupSync { .. } => {
                done("dup() of a descriptor")
            }
            Op::MmapDmabuf { .. } => done("dma_buf_mmap_internal() finds room for all of it"),
            Op::Touch { .. } => ok(Told::Content, "the plane is mapped"),
            Op::Munmap { .. } => done("munmap() of a mapping"),
            Op::CloseFile { .. } | Op::CloseDmabuf { .. } | Op::CloseSync { .. } => {
                done("close() of a descriptor")
            }
            Op::ExportSync { .. } => ok(Told::Sync, "dma_buf_export_sync_file() takes any access"),
            Op::ImportSync { sync, .. } if !self.syncs.contains(&sync.0) => {
                fails(EINVAL, "dma_buf_import_sync_file() is given no sync_file")
            }
            Op::ImportSync { .. } => done("dma_buf_import_sync_file() adds the fences"),
            Op::Merge { b, .. } if !self.syncs.contains(&b.0) => {
                fails(ENOENT, "sync_file_ioctl_merge() finds no second sync_file")
            }
            Op::Merge { .. } => ok(Told::Sync, "sync_file_ioctl_merge() makes a new one"),
            Op::FileInfo { .. } => ok(Told::Sync, "sync_file_ioctl_fence_info() tells it"),
            Op::SetDeadline { .. } => done("sync_file_ioctl_set_deadline() is a hint"),
            Op::PollSync { .. } => ok(Told::SyncOrNothing, "sync_file_poll() waits for it"),
            Op::PollDmabuf { interest, .. } => {
                let events = match interest {
                    program::Interest::In => 1,
                    program::Interest::Out => 4,
                    program::Interest::Pri => 0,
                };
                ok(
                    Told::SomeOf(events),
                    "dma_buf_poll() knows POLLIN and POLLOUT",
                )
            }
            Op::Check { .. } => ok(Told::Content, "the plane is mapped"),
            Op::CpuSync { .. } => done("dma_buf_begin_cpu_access() waits for the fences"),
            Op::Reload if self.requested => unknown("whether a request is still open"),
            Op::Reload if self.lingers => unknown("whether a call on a closed file still runs"),
            Op::Reload if !self.files.is_empty() => {
                fails(EAGAIN, "delete_module() finds the module in use")
            }
            Op::Reload => done("nothing uses the module"),
            Op::Advance { .. } => done("time passes"),
            Op::Join => done("nothing runs any more"),
            _ => return None,
        })
    }

    /// Operations on a video file that is open.
    fn call(&self, op: &Op) -> Guess {
        let Some(handle) = file_of(op).and_then(|file| self.files.get(&file.0)) else {
            return unknown("an operation that the model has not learnt");
        };
        if let Op::Wrong { call, .. } = op {
            return wrong(self.driver, *call);
        }
        if !handle.known {
            return unknown("a node that the model has not learnt");
        }
        if let Some(refused) = device::lacks(self.driver, op) {
            return refused;
        }
        match *op {
            Op::SetFormat { pixels, .. } if pixels != Pixels::First => {
                unknown("a pixel format that the model has not learnt")
            }
            Op::TryFormat { pixels, .. } if pixels != Pixels::First => {
                unknown("a pixel format that the model has not learnt")
            }
            Op::TryFormat { width, height, .. } => {
                let double = self.driver == Driver::Double;
                let format = double.then(|| device::double_format(width, height));
                ok(Told::Format(format), "TRY_FMT makes the size fit")
            }
            Op::SetFormat {
                queue,
                width,
                height,
                ..
            } => self.set_format(handle, queue, width, height),
            Op::GetFormat { queue, .. } => ok(
                Told::Format(handle.format(queue)),
                "it is the current format",
            ),
            Op::Reqbufs { queue, count, .. } => {
                let most = device::most_buffers(self.driver, handle.size(queue));
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
                let most = device::most_buffers(self.driver, handle.size(queue));
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
                Some(given) => handle.give(given, &self.memories),
                None => unknown("an operation that the model has not learnt"),
            },
            Op::Dqbuf { queue, .. } => handle.dequeue(queue, &self.memories),
            Op::MmapFile {
                queue,
                index,
                plane,
                ..
            } => mmap(handle, queue, index, plane),
            Op::Expbuf { plane: 1.., .. } => fails(EINVAL, "vb2_core_expbuf() finds no such plane"),
            Op::Expbuf { queue, index, .. } => self.expbuf(handle, queue, index),
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
            Op::Subscribe { event, .. } => device::subscribe(self.driver, event),
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
            _ => device::knob(self.driver, op),
        }
    }

    fn set_format(&self, handle: &Handle, queue: Queue, width: u32, height: u32) -> Guess {
        if handle.queue(queue).busy {
            return fails(EBUSY, "vb2_is_busy(): the queue has buffers");
        }
        let double = self.driver == Driver::Double;
        let format = double.then(|| device::double_format(width, height));
        ok(Told::Format(format), "S_FMT makes the size fit")
    }

    fn expbuf(&self, handle: &Handle, queue: Queue, index: u32) -> Guess {
        let content = handle.queue(queue);
        let Some(buffer) = content.get(index) else {
            return fails(EINVAL, "vb2_get_buffer() finds no such buffer");
        };
        match buffer.plane {
            None => fails(EINVAL, "vb2_core_expbuf() exports MMAP memory only"),
            Some(plane) => ok(
                Told::Exported(self.memories.size(plane)),
                "vb2_core_expbuf() exports whole pages",
            ),
        }
    }

    /// What a QBUF or PREPARE_BUF is given.
    pub(crate) fn given(&self, op: &Op) -> Option<Given> {
        let (queue, index, dmabuf, request, prepare) = match *op {
            Op::Qbuf {
                queue,
                index,
                dmabuf,
                request,
                ..
            } => (queue, index, dmabuf, request, false),
            Op::PrepareBuf {
                queue,
                index,
                dmabuf,
                ..
            } => (queue, index, dmabuf, None, true),
            _ => return None,
        };
        let size = |dmabuf: program::Dmabuf| self.dmabufs.get(&dmabuf.0).map(|export| export.size);
        Some(Given {
            queue,
            index,
            import: dmabuf.map(size),
            request: request.is_some(),
            prepare,
        })
    }
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
        Some(_) if plane > 0 => fails(EINVAL, "the buffer has one plane"),
        Some(buffer) if buffer.plane.is_none() => {
            fails(EINVAL, "a buffer of DMABUF memory has no offset")
        }
        Some(_) => ok(Told::Done, "vb2_mmap() finds the plane at its offset"),
    }
}

/// The video file that an operation works on. A request is made by the media device, of which the model knows nothing.
pub(crate) fn file_of(op: &Op) -> Option<File> {
    op.file().filter(|_| !matches!(op, Op::AllocRequest { .. }))
}
