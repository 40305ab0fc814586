//! What requests and their buffers become.
//!
//! C sources: `mc-request.c`, `videobuf2-core.c`

use program::Memory;

use crate::buffer::State;
use crate::gave::forget_brought;
use crate::part::Parts;
use crate::request::{Request, Stage};
use crate::world::World;

impl World {
    pub(crate) fn allocated_request(&mut self, slot: u8, file: u8) {
        let handle = self.files.get(&file);
        let multi = handle.is_some_and(|handle| handle.device.is_multi());
        self.all_requests.push(Request::new(multi));
        self.requests.insert(slot, self.all_requests.len() - 1);
        self.doubt = self.doubt & !Parts::request(program::Request(slot));
    }

    /// `vb2_req_queue()`
    pub(crate) fn queued_request(&mut self, slot: u8) {
        let Some(id) = self.requests.get(&slot).copied() else {
            return;
        };
        self.all_requests[id].stage = Stage::Queued;
        let place = self.in_request(id).next();
        let Some((file, index)) = place else { return };
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        let memory = handle.output.memory;
        let Some(buffer) = handle.output.get_mut(index) else {
            return;
        };
        if !buffer.prepared {
            buffer.bytesused = buffer.asked;
            forget_brought(buffer, memory == Some(Memory::Dmabuf), &mut self.memories);
            if memory == Some(Memory::Userptr) {
                let planes = buffer.planes_mut().iter_mut();
                planes.for_each(|plane| plane.length = plane.min_length);
            }
        }
        buffer.prepared = true;
        if buffer.state == State::InRequest {
            buffer.state = State::Queued;
        }
    }

    /// `media_request_clean()`
    pub(crate) fn emptied_request(&mut self, slot: u8) {
        let Some(id) = self.requests.get(&slot).copied() else {
            return;
        };
        self.all_requests[id].empty();
        for handle in self.files.values_mut() {
            for buffer in handle.output.iter_mut() {
                if buffer.request == Some(id) {
                    buffer.leave_request();
                }
            }
        }
    }
}
