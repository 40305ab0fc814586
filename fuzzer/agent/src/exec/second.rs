//! Second descriptors. What the slot held is closed once its new descriptor is there, so that a failure changes nothing.

use nix::errno::Errno;
use program::{Dmabuf, File, Op, Sync};

use super::{DONE, Executor};
use crate::journal::Outcome;
use crate::sys::file;
use crate::sys::memory::Mapping;

impl Executor<'_> {
    pub(super) fn duplicate(&self, op: &Op) -> Outcome {
        match *op {
            Op::DupFile { file, from } => self.second_file(file, from),
            Op::DupDmabuf { dmabuf, from } => self.second_dmabuf(dmabuf, from),
            Op::DupSync { sync, from } => self.second_sync(sync, from),
            _ => Err(Errno::ENOSYS),
        }
    }

    fn second_file(&self, slot: File, from: File) -> Outcome {
        let fd = file::duplicate(self.file(from))?;
        if slot == from {
            // The file stays open meanwhile.
            let old = self.shared.table().exchange_file(slot, fd);
            return file::close(old).and(DONE);
        }
        self.vacate_file(slot);
        self.shared.table().second_file(slot, fd, from);
        DONE
    }

    fn second_dmabuf(&self, slot: Dmabuf, from: Dmabuf) -> Outcome {
        let (fd, plane, size) = {
            let mut table = self.shared.table();
            let fd = file::duplicate(table.dmabuf(from).fd)?;
            let slot = table.dmabuf_slot(from);
            (fd, slot.plane, slot.size)
        };
        self.vacate_dmabuf(slot);
        let mut table = self.shared.table();
        let slot = table.second_dmabuf(slot, fd, plane);
        slot.size = size;
        if let Some(size) = size.filter(|_| self.observed) {
            slot.mapping = Mapping::new(fd, size as usize, false).ok();
        }
        DONE
    }

    fn second_sync(&self, slot: Sync, from: Sync) -> Outcome {
        let (fd, plane) = {
            let table = self.shared.table();
            (
                file::duplicate(table.sync(from).fd)?,
                table.plane_of_sync(from),
            )
        };
        self.vacate_sync(slot);
        self.shared.table().set_sync(slot, fd, plane);
        DONE
    }
}
