//! Buffers that stand on memory of the agent: those of queues that were asked with memory of user space.

use nix::errno::Errno;
use program::{Dmabuf, File, Queue};

use super::Executor;
use crate::sys::v4l2;
use crate::table::{BufferKey, Piece};

impl Executor<'_> {
    /// What stands for the planes of a buffer; none if its queue has other memory, or if dma-bufs are named. The first time the kernel
    /// is asked how long they are: what it says later a QBUF that failed may have changed.
    pub(super) fn own_memory(
        &self,
        (file, queue, index): (File, Queue, u32),
        dmabufs: &[Dmabuf],
    ) -> nix::Result<Option<Vec<Piece>>> {
        if !dmabufs.is_empty() || !self.shared.table().has_own_memory(file, queue) {
            return Ok(None);
        }
        let serial = self.shared.table().serial(file).unwrap_or(u32::MAX);
        let first = BufferKey {
            serial,
            queue,
            index,
            plane: 0,
        };
        let known = self.shared.table().own_memory(first);
        if !known.is_empty() {
            return Ok(Some(known));
        }
        let mut asked = self.describe(file, queue, index);
        match asked.call(&v4l2::QUERYBUF, self.file(file)) {
            // An allocation failed: nothing has been tried yet, and nothing is.
            Err(Errno::ENOMEM) => return Err(Errno::ENOMEM),
            // There is no such buffer, and QBUF will say the same.
            Err(_) => return Ok(Some(Vec::new())),
            Ok(()) => {}
        }
        let mut table = self.shared.table();
        table.lend(first, &asked.lengths())?;
        Ok(Some(table.own_memory(first)))
    }
}
