//! Mappings of planes, through the video node and through a dma-buf.

use nix::errno::Errno;
use program::{Dmabuf, File, Map, Op, Queue};
use trace::Out;

use super::{DONE, Executor};
use crate::content;
use crate::journal::{Outcome, Seen};
use crate::sys::memory::Mapping;
use crate::sys::v4l2;
use crate::table::MapSlot;

/// Planes are mapped whole, as their dma-bufs are: the content of a plane is then the same by either way.
const PAGE: usize = 4096;

impl Executor<'_> {
    pub(super) fn map_operation(&self, op: &Op) -> Outcome {
        match *op {
            Op::MmapFile {
                map,
                file,
                queue,
                index,
                plane,
            } => self.map_file(map, (file, queue, index, plane)),
            Op::MmapDmabuf { map, dmabuf } => self.map_dmabuf(map, dmabuf),
            Op::Touch { map } => self.touch(map),
            Op::Munmap { map } => self.unmap(map),
            _ => Err(Errno::ENOSYS),
        }
    }

    fn map_file(&self, map: Map, (file, queue, index, plane): (File, Queue, u32, u32)) -> Outcome {
        self.must_be_empty(map)?;
        let mut described = self.describe(file, queue, index);
        described.call(&v4l2::QUERYBUF, self.file(file))?;
        let (offset, length) = described.place(plane).ok_or(Errno::EINVAL)?;
        let length = (length as usize).next_multiple_of(PAGE);
        let mapping = Mapping::at(self.file(file), offset, length, true)?;
        let mut table = self.shared.table();
        let serial = Some(table.serial(file).unwrap_or(u32::MAX));
        table.set_map(map, MapSlot { mapping, serial });
        DONE
    }

    fn map_dmabuf(&self, map: Map, dmabuf: Dmabuf) -> Outcome {
        self.must_be_empty(map)?;
        let mut table = self.shared.table();
        let (fd, size) = table.dmabuf_size(dmabuf);
        let mapping = Mapping::new(fd, size.unwrap_or(PAGE as u64) as usize, true)?;
        let serial = None;
        table.set_map(map, MapSlot { mapping, serial });
        DONE
    }

    /// The mapping that was there might be the last that keeps a file open: closing and mapping would be one call.
    fn must_be_empty(&self, map: Map) -> nix::Result<()> {
        match self.shared.table().map(map) {
            Some(_) => Err(Errno::EBUSY),
            None => Ok(()),
        }
    }

    fn touch(&self, map: Map) -> Outcome {
        let start = self.start;
        let mut table = self.shared.table();
        let mapping = &mut table.map_mut(map).ok_or(Errno::EBADF)?.mapping;
        // What is stored is what was there, so that the content stays the device's.
        let word = mapping.word(0);
        mapping.set_word(0, word);
        if !self.observed {
            return DONE;
        }
        Ok(Seen::Out(Out::Content(content::look(mapping, start))))
    }

    /// Unmaps what a mapping slot holds.
    pub(crate) fn unmap(&self, map: Map) -> Outcome {
        let taken = self.shared.table().take_map(map);
        // The table is free while the file is closed, which may wait for a job.
        taken.map(drop).ok_or(Errno::EBADF)?;
        DONE
    }
}
