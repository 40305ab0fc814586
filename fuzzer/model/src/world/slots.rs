//! Answers to operations on dma-bufs, sync_files, requests and the device itself.

use program::{Dmabuf, Driver, Exporter, File, Node, Op, Queue, SyncEdge};

use super::{NO_FILE, World};
use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::device::Device;
use crate::errno::{EAGAIN, EBADF, EEXIST, EINVAL, ENODEV, ENOENT, ENOTTY};
use crate::give::Given;
use crate::memory::PAGE;
use crate::part::Parts;
use crate::request::{Request, RequestId};

impl World {
    /// Operations on dma-bufs, sync_files and the device.
    pub(super) fn slots(&self, op: &Op) -> Option<Guess> {
        let done = |why| ok(Told::Done, why);
        Some(match *op {
            Op::Open { node, .. } => self.open(node),
            Op::DupFile { .. } | Op::DupDmabuf { .. } | Op::DupSync { .. } => {
                done("dup() of a descriptor")
            }
            Op::MmapDmabuf { .. } => done("dma_buf_mmap_internal() finds room for all of it"),
            Op::Touch { .. } => ok(Told::Content, "the plane is mapped"),
            Op::Munmap { .. } => done("munmap() of a mapping"),
            Op::CloseFile { .. }
            | Op::CloseDmabuf { .. }
            | Op::CloseSync { .. }
            | Op::CloseRequest { .. } => done("close() of a descriptor"),
            Op::QueueRequest { request } => self.queue_request(request.0),
            Op::ReinitRequest { request } => self.request(request.0)?.reinit(),
            Op::PollRequest { request, .. } => self.request(request.0)?.poll(),
            Op::ExportSync { .. } => ok(Told::Sync, "dma_buf_export_sync_file() takes any access"),
            Op::ImportSync { sync, .. } if !self.syncs.contains(&sync.0) => {
                fails(EINVAL, "dma_buf_import_sync_file() is given no sync_file")
            }
            Op::ImportSync { .. } => done("dma_buf_import_sync_file() adds the fences"),
            Op::Merge { b, .. } if !self.syncs.contains(&b.0) => {
                fails(ENOENT, "sync_file_ioctl_merge() finds no second sync_file")
            }
            Op::Merge { .. } => ok(Told::Sync, "sync_file_ioctl_merge() makes a new one"),
            Op::SwSync { .. } => ok(Told::Sync, "sw_sync_ioctl_create_fence() makes a fence"),
            Op::Signal { sync } if !self.timelines.contains(&sync.0) => {
                fails(EBADF, "the slot never had a timeline")
            }
            Op::Signal { .. } => done("sw_sync_ioctl_inc() moves the timeline on"),
            Op::Allocate {
                exporter, bytes, ..
            } => allocate(exporter, bytes),
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
            Op::CpuSync {
                edge: SyncEdge::End,
                dmabuf,
                ..
            } => self.end_access(dmabuf),
            Op::CpuSync { .. } => done("dma_buf_begin_cpu_access() waits for the fences"),
            Op::Reload | Op::Unload | Op::Load => self.module(op),
            Op::Advance { .. } => done("time passes"),
            Op::FailNth { .. } => done("the agent remembers it for the next operation"),
            Op::Join => done("nothing runs any more"),
            _ => return None,
        })
    }

    /// The end of a CPU access.
    fn end_access(&self, dmabuf: Dmabuf) -> Guess {
        let memory = self.memory_of(dmabuf.0);
        match memory.map(|memory| self.memories.is_ready(memory)) {
            Some(Some(false)) => fails(EINVAL, "end_cpu_udmabuf() finds no access that ever began"),
            Some(None) => unknown("whether an access has begun"),
            _ => ok(Told::Done, "dma_buf_end_cpu_access() waits for nothing"),
        }
    }

    /// open(2). The model judges the double with all its nodes, and drivers that have but one.
    fn open(&self, node: Node) -> Guess {
        match self.loaded {
            None => unknown("whether the module is there"),
            Some(false) => fails(ENODEV, "the module is not loaded"),
            Some(true) if node == Node::Double || self.driver == Driver::Double => {
                ok(Told::Done, "the device is there")
            }
            Some(true) => fails(ENODEV, "only the double has other nodes"),
        }
    }

    /// delete_module(2) and init_module(2)
    fn module(&self, op: &Op) -> Guess {
        let Some(loaded) = self.loaded else {
            return unknown("whether the module is there");
        };
        if self.lingers {
            return unknown("whether a call on a closed file still runs");
        }
        match (op, loaded) {
            (Op::Load, true) => fails(EEXIST, "add_unformed_module() finds the module"),
            (Op::Load, false) => ok(Told::Done, "the module is loaded"),
            (_, false) => fails(ENOENT, "delete_module() finds no such module"),
            // A request holds the driver as long as its descriptor lives.
            (_, true) if !(self.files.is_empty() && self.requests.is_empty()) => {
                fails(EAGAIN, "delete_module() finds the module in use")
            }
            (_, true) => ok(Told::Done, "nothing uses the module"),
        }
    }

    pub(super) fn request(&self, slot: u8) -> Option<&Request> {
        self.all_requests.get(*self.requests.get(&slot)?)
    }

    /// The buffers in a request: file and index.
    pub(crate) fn in_request(&self, request: RequestId) -> impl Iterator<Item = (u8, u32)> {
        self.files.iter().flat_map(move |(file, handle)| {
            let buffers = handle.output.in_request(request);
            buffers.map(|index| (*file, index))
        })
    }

    /// MEDIA_REQUEST_IOC_QUEUE
    fn queue_request(&self, slot: u8) -> Guess {
        let (Some(request), Some(id)) = (self.request(slot), self.requests.get(&slot)) else {
            return fails(EBADF, NO_FILE);
        };
        let mut buffers = self.in_request(*id);
        let first = buffers.next();
        let count = usize::from(first.is_some()) + buffers.count();
        if let Some(refused) = request.queue(count) {
            return refused;
        }
        let place = first.and_then(|(file, index)| {
            let handle = self.files.get(&file)?;
            Some((File(file), handle, handle.output.get(index)?, index))
        });
        let Some((file, handle, buffer, index)) = place else {
            return unknown("which buffer is in the request");
        };
        let touched = Parts::queue(file, Queue::Output) | Parts::formats(file);
        if !(self.doubt & touched).is_empty() {
            return unknown("calls that ran at the same time can have come in any order");
        }
        let done = ok(
            Told::Done,
            "vb2_req_queue() queues the buffer in the request",
        );
        if buffer.prepared {
            return done;
        }
        if handle.output.memory == Some(program::Memory::Dmabuf) {
            return unknown("which dma-buf the number in a request means by now");
        }
        let given = Given {
            queue: Queue::Output,
            index,
            brought: self.own_memory(file, Queue::Output, index),
            request: None,
            prepare: true,
        };
        handle.prepare(&given, buffer).unwrap_or(done)
    }

    /// MEDIA_IOC_REQUEST_ALLOC
    pub(super) fn alloc_request(&self, device: Device) -> Guess {
        match device {
            Device::Converter { .. } => ok(Told::Done, "media_request_alloc() makes a request"),
            Device::Other(_) => unknown("requests of this driver"),
            _ => fails(
                ENOTTY,
                "media_device_request_alloc(): the device takes no requests",
            ),
        }
    }
}

/// A dma-buf of an exporter that is no video device.
fn allocate(exporter: Exporter, bytes: u32) -> Guess {
    let bytes = u64::from(bytes);
    match exporter {
        Exporter::Udmabuf if bytes == 0 || !bytes.is_multiple_of(PAGE) => fails(
            EINVAL,
            "udmabuf_create() takes whole pages, and one at least",
        ),
        Exporter::Heap if bytes == 0 => {
            fails(EINVAL, "dma_heap_ioctl_allocate() is asked for nothing")
        }
        _ => ok(
            Told::Exported(Some(bytes.next_multiple_of(PAGE))),
            "the exporter has room for it",
        ),
    }
}
