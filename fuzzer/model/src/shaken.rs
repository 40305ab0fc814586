//! What is not known any more after an allocation failed in a call, until the kernel tells.

use program::{File, Memory, Op};

use crate::gave::forget_brought;
use crate::part::Parts;
use crate::request::RequestId;
use crate::world::World;

impl World {
    /// An allocation failed in a call, which went on or not: what depends on that the model does not know until it is told.
    pub(crate) fn shaken(&mut self, op: &Op, refused: bool) {
        match *op {
            Op::Unload | Op::Load | Op::Reload => self.loaded = None,
            // The sync_file can be there although nobody could ask for its state.
            Op::ExportSync { sync, .. } | Op::Merge { sync, .. } if refused => {
                self.doubt |= Parts::sync(sync);
            }
            Op::PrepareBuf { file, .. } | Op::Qbuf { file, .. } if refused => {
                self.shaken_buffer(file.0, op);
            }
            Op::Reqbufs { file, queue, .. } | Op::CreateBufs { file, queue, .. } if refused => {
                self.doubt |= Parts::queue(file, queue);
            }
            // The request can have an object for the controls of the file by now.
            Op::SetControl {
                request: Some(request),
                ..
            } if refused => self.doubt |= Parts::request(request),
            Op::QueueRequest { request } if refused => {
                if let Some(id) = self.requests.get(&request.0).copied() {
                    self.forget_lengths(id);
                }
            }
            _ => {}
        }
    }

    /// How far QBUF or PREPARE_BUF came is not known, nor what of a dma-buf or of the agent's memory was put away.
    fn shaken_buffer(&mut self, file: u8, op: &Op) {
        let Some(given) = self.given(op) else { return };
        let Some(handle) = self.files.get_mut(&file) else {
            return;
        };
        let brought = given.brought.is_some();
        if let Some(buffer) = handle.queue_mut(given.queue).get_mut(given.index)
            && !buffer.prepared
        {
            buffer.forget();
            forget_brought(buffer, brought, &mut self.memories);
        }
        let file = File(file);
        if matches!(op, Op::Qbuf { .. }) && handle.device.is_converter() {
            self.doubt |= Parts::states(file, given.queue);
        }
    }

    /// What became of the planes of the buffers in a request is not known.
    fn forget_lengths(&mut self, request: RequestId) {
        let places: Vec<_> = self.in_request(request).collect();
        for (file, index) in places {
            let Some(handle) = self.files.get_mut(&file) else {
                continue;
            };
            let brought = handle.output.memory != Some(Memory::Mmap);
            if let Some(buffer) = handle.output.get_mut(index) {
                buffer.bytesused = None;
                forget_brought(buffer, brought, &mut self.memories);
            }
        }
    }
}
