//! Making and closing what slots hold. An operation that fills a slot in use closes the old content first.

use nix::errno::Errno;
use program::{Dmabuf, File, Node, Op, Request, Sync};

use super::{DONE, Executor};
use crate::device::Opened;
use crate::journal::Outcome;
use crate::sys::double::{self, Knob};
use crate::sys::file;

impl Executor<'_> {
    pub(super) fn slot_operation(&self, op: &Op) -> Outcome {
        match *op {
            Op::Open { file, node } => self.open(file, node),
            Op::CloseFile { file } => self.close_file(file).and(DONE),
            Op::CloseDmabuf { dmabuf } => self.close_dmabuf(dmabuf).and(DONE),
            Op::CloseSync { sync } => self.close_sync(sync).and(DONE),
            Op::CloseRequest { request } => self.close_request(request).and(DONE),
            _ => Err(Errno::ENOSYS),
        }
    }

    fn open(&self, slot: File, node: Node) -> Outcome {
        self.vacate_file(slot);
        let Opened { fd, multi_planar } = self.shared.device().open(node)?;
        let serial = self.shared.table().set_file(slot, fd, multi_planar);
        if self.observed {
            // Job ids must not depend on what ran before. A driver that is not the double answers ENOTTY.
            let _ = double::set(fd, Knob::JobBase, job_base(slot, serial));
        }
        DONE
    }

    /// Closes what a file slot holds, if it holds anything.
    pub(crate) fn vacate_file(&self, slot: File) {
        if self.shared.table().file(slot).fd >= 0 {
            let _ = self.close_file(slot);
        }
    }

    /// Closes what a dma-buf slot holds, if it holds anything.
    pub(crate) fn vacate_dmabuf(&self, slot: Dmabuf) {
        if self.shared.table().dmabuf(slot).fd >= 0 {
            let _ = self.close_dmabuf(slot);
        }
    }

    /// Closes what a sync_file slot holds, if it holds anything.
    pub(crate) fn vacate_sync(&self, slot: Sync) {
        if self.shared.table().sync(slot).fd >= 0 {
            let _ = self.close_sync(slot);
        }
    }

    /// Closes what a request slot holds, if it holds anything.
    pub(crate) fn vacate_request(&self, slot: Request) {
        if self.shared.table().request(slot).fd >= 0 {
            let _ = self.close_request(slot);
        }
    }

    fn close_request(&self, slot: Request) -> nix::Result<()> {
        let fd = self.shared.table().take_request(slot);
        file::close(fd)
    }

    fn close_file(&self, slot: File) -> nix::Result<()> {
        let fd = self.shared.table().take_file(slot);
        file::close(fd)
    }

    fn close_dmabuf(&self, slot: Dmabuf) -> nix::Result<()> {
        let (fd, mapping) = self.shared.table().take_dmabuf(slot);
        drop(mapping);
        file::close(fd)
    }

    fn close_sync(&self, slot: Sync) -> nix::Result<()> {
        let fd = self.shared.table().take_sync(slot);
        file::close(fd)
    }
}

/// Base of the job ids of a handle: the slot, and the number of the open(2) in the program.
fn job_base(slot: File, serial: u32) -> u64 {
    (u64::from(slot.0) + 1) << 32 | u64::from(serial) << 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_ids_of_two_opens_do_not_meet() {
        assert_eq!(job_base(File(0), 0), 0x1_0000_0000);
        assert_eq!(job_base(File(0), 1), 0x1_0010_0000);
        assert_eq!(job_base(File(7), 0), 0x8_0000_0000);
    }
}
