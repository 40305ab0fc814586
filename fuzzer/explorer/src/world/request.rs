//! Media requests, as `mc-request.c` has them, with OUTPUT buffers as their only objects.
//!
//! The controls' object, which the double makes and completes when a job begins or is cancelled, never decides anything.

use program::{File, Queue, Request};

use super::{EBADF, EBADR, EBUSY, EINVAL, ENOENT, ENOTTY, Hold, Told, World};

/// `POLLPRI`
const POLLPRI: u16 = 2;
/// `POLLERR`
const POLLERR: u16 = 8;

/// Number of a request in [`World::requests`].
pub(crate) type RequestId = usize;

/// `enum media_request_state`, as far as it outlives a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Idle,
    Queued,
    Complete,
}

/// `struct media_request`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MediaRequest {
    pub(crate) progress: Progress,
    /// File and index of the OUTPUT buffers that are bound to it, in that order.
    pub(crate) buffers: Vec<(u8, usize)>,
}

impl World {
    fn request(&self, request: Request) -> Result<RequestId, i32> {
        self.request_slots.get(&request.0).copied().ok_or(EBADF)
    }

    /// `MEDIA_IOC_REQUEST_ALLOC`
    pub(super) fn alloc_request(&mut self, slot: Request, file: File) -> Result<Told, i32> {
        self.request_slots.remove(&slot.0);
        if !self.handle(file)?.takes_requests {
            return Err(ENOTTY);
        }
        self.requests.push(MediaRequest {
            progress: Progress::Idle,
            buffers: Vec::new(),
        });
        self.request_slots.insert(slot.0, self.requests.len() - 1);
        Ok(Told::Done)
    }

    /// The descriptor is closed. What the request holds goes on.
    pub(super) fn close_request(&mut self, slot: Request) -> Result<Told, i32> {
        self.request_slots.remove(&slot.0).ok_or(EBADF)?;
        Ok(Told::Done)
    }

    /// `media_request_poll()`
    pub(super) fn poll_request(&mut self, slot: Request) -> Result<Told, i32> {
        let id = self.request(slot)?;
        Ok(Told::Polled(match self.requests[id].progress {
            Progress::Complete => POLLPRI,
            Progress::Queued => 0,
            Progress::Idle => POLLERR,
        }))
    }

    /// `vb2_queue_or_prepare_buf()` and `vb2_core_qbuf()`, for a buffer that shall belong to a request.
    pub(super) fn bind(&mut self, file: u8, index: u32, slot: Request) -> Result<Told, i32> {
        let request = self.request(slot);
        let handle = self.handle(File(file))?;
        let (queue, takes_requests) = (&handle.output, handle.takes_requests);
        let index = index as usize;
        let buffer = queue.buffers.get(index).ok_or(EINVAL)?;
        if buffer.hold != Hold::Dequeued {
            return Err(EINVAL);
        }
        if !takes_requests {
            return Err(EBADR);
        }
        if queue.uses_qbuf {
            return Err(EBUSY);
        }
        let id = request.map_err(|_| EINVAL)?;
        if self.requests[id].progress != Progress::Idle {
            return Err(EBUSY);
        }
        let queue = self.open_queue(file, Queue::Output)?;
        queue.uses_requests = true;
        queue.buffers[index].hold = Hold::InRequest;
        queue.buffers[index].request = Some(id);
        self.requests[id].buffers.push((file, index));
        Ok(Told::Done)
    }

    /// `media_request_ioctl_queue()`, with the double's `req_validate` and `v4l2_m2m_request_queue()`
    pub(super) fn queue_request(&mut self, slot: Request) -> Result<Told, i32> {
        let id = self.request(slot)?;
        let MediaRequest { progress, buffers } = self.requests[id].clone();
        if progress != Progress::Idle {
            return Err(EBUSY);
        }
        let (file, index) = match buffers[..] {
            [] => return Err(ENOENT),
            [buffer] => buffer,
            _ => return Err(EINVAL),
        };
        self.requests[id].progress = Progress::Queued;
        if let Some(handle) = self.files.get_mut(&file) {
            handle.enqueue(Queue::Output, index);
        }
        self.try_schedule(file);
        Ok(Told::Done)
    }

    /// `media_request_ioctl_reinit()`
    pub(super) fn reinit_request(&mut self, slot: Request) -> Result<Told, i32> {
        let id = self.request(slot)?;
        if self.requests[id].progress == Progress::Queued {
            return Err(EBUSY);
        }
        self.requests[id].progress = Progress::Idle;
        for (file, index) in std::mem::take(&mut self.requests[id].buffers) {
            if let Some(handle) = self.files.get_mut(&file) {
                handle.output.buffers[index].request = None;
                handle.output.buffers[index].hold = Hold::Dequeued;
            }
        }
        Ok(Told::Done)
    }

    /// `media_request_object_unbind()` of all buffers that have been given back, or are with userspace again.
    pub(super) fn unbind(&mut self, file: u8) {
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        for (index, buffer) in handle.output.buffers.iter_mut().enumerate() {
            let is_over = matches!(buffer.hold, Hold::Dequeued | Hold::Done { .. });
            let Some(id) = buffer.request.take_if(|_| is_over) else {
                continue;
            };
            self.requests[id].release((file, index));
        }
    }
}

impl MediaRequest {
    fn release(&mut self, buffer: (u8, usize)) {
        self.buffers.retain(|bound| *bound != buffer);
        if self.buffers.is_empty() && self.progress == Progress::Queued {
            self.progress = Progress::Complete;
        }
    }
}
