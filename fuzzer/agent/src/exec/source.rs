//! OUTPUT buffers: what is put into them before they are queued.

use program::{Dmabuf, File, Queue};

use super::Executor;
use super::video::buffer;
use crate::feed::{Feed, Position};
use crate::sys::memory::Mapping;
use crate::sys::v4l2::{self, Buffer};

/// What a buffer was filled with.
#[derive(Default)]
pub(super) struct Filled {
    /// Bytes for the driver.
    pub(super) used: u32,
    /// Where the file's input is if the driver takes the buffer.
    after: Option<Position>,
}

impl Executor<'_> {
    /// Fills an OUTPUT buffer that is about to be queued.
    pub(super) fn fill(&self, file: File, index: u32, imported: Option<(Dmabuf, u32)>) -> Filled {
        if let Feed::Nothing = self.shared.feed {
            // The kernel compares with the plane, also where the imported memory is larger.
            let length = self.output_length(file, index);
            let used = imported.map_or(length, |(_, size)| size.min(length));
            return Filled { used, after: None };
        }
        self.feed(file, index, imported).unwrap_or(Filled {
            used: 1,
            after: None,
        })
    }

    /// The driver took the buffer.
    pub(super) fn filled(&self, file: File, filled: &Filled) {
        if let Some(after) = filled.after {
            *self.shared.table().position(file) = after;
        }
    }

    /// The OUTPUT queue was stopped: its stream begins again with what needs nothing before it.
    pub(super) fn rewind(&self, file: File) {
        self.shared.table().position(file).restart();
    }

    /// Writes the next piece of the file's input into a buffer. What the driver has already, or refuses, stays as it is.
    fn feed(&self, file: File, index: u32, imported: Option<(Dmabuf, u32)>) -> Option<Filled> {
        let mut asked = buffer(Queue::Output, index);
        v4l2::QUERYBUF.call(self.file(file), &mut asked).ok()?;
        let imports = asked.memory == v4l2::MEMORY_DMABUF;
        let length = match imported {
            // A buffer of DMABUF memory has no plane before its first QBUF.
            Some((_, size)) if asked.length <= 1 => size,
            Some((_, size)) => size.min(asked.length),
            None => asked.length,
        };
        if asked.flags & v4l2::BUF_FLAGS_TAKEN != 0 || imports != imported.is_some() {
            return Some(Filled {
                used: length,
                after: None,
            });
        }
        let position = *self.shared.table().position(file);
        let (bytes, after) = self.shared.feed.next(position, length as usize);
        self.writable(file, &asked, imported)?.store(&bytes);
        let used = match self.shared.feed {
            Feed::Streams(_) => bytes.len() as u32,
            _ => length,
        };
        Some(Filled {
            used,
            after: Some(after),
        })
    }

    /// The memory behind a buffer. A mapping that stayed would keep the memory from being freed.
    fn writable(
        &self,
        file: File,
        asked: &Buffer,
        imported: Option<(Dmabuf, u32)>,
    ) -> Option<Mapping> {
        match imported {
            Some((dmabuf, size)) => {
                let fd = self.shared.table().dmabuf(dmabuf).fd;
                Mapping::at(fd, 0, size as usize, true)
            }
            None => Mapping::at(self.file(file), asked.offset(), asked.length as usize, true),
        }
        .ok()
    }
}
