//! OUTPUT buffers: what is put into them before they are queued.

use program::{Dmabuf, File, Queue};

use super::Executor;
use super::video::buffer;
use crate::feed::{Feed, Position};
use crate::sys::memory::Mapping;
use crate::sys::v4l2::{self, Buffer};
use crate::table::BufferKey;

/// What a buffer stands on.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// The driver's memory.
    Driver,
    /// A dma-buf, of so many bytes.
    Import(Dmabuf, u32),
    /// Memory of the agent, of so many bytes.
    Own(u32),
}

impl Source {
    fn memory(self) -> u32 {
        match self {
            Self::Driver => v4l2::MEMORY_MMAP,
            Self::Import(..) => v4l2::MEMORY_DMABUF,
            Self::Own(_) => v4l2::MEMORY_USERPTR,
        }
    }

    /// Bytes that can be filled, of a plane that QUERYBUF tells this length of.
    fn room(self, known: u32) -> u32 {
        match self {
            Self::Driver => known,
            // A buffer of DMABUF memory has no plane before its first QBUF.
            Self::Import(_, size) if known <= 1 => size,
            Self::Import(_, size) => size.min(known),
            Self::Own(length) => length,
        }
    }
}

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
    pub(super) fn fill(&self, file: File, index: u32, source: Source) -> Filled {
        if let Feed::Nothing = self.shared.feed {
            let used = match source {
                Source::Driver => self.output_length(file, index),
                // The kernel compares with the plane, also where the imported memory is larger.
                Source::Import(_, size) => size.min(self.output_length(file, index)),
                Source::Own(length) => length.max(1),
            };
            return Filled { used, after: None };
        }
        self.feed(file, index, source).unwrap_or(Filled {
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
    fn feed(&self, file: File, index: u32, source: Source) -> Option<Filled> {
        let mut asked = buffer(Queue::Output, index);
        v4l2::QUERYBUF.call(self.file(file), &mut asked).ok()?;
        let length = source.room(asked.length);
        if asked.flags & v4l2::BUF_FLAGS_TAKEN != 0 || asked.memory != source.memory() {
            return Some(Filled {
                used: length,
                after: None,
            });
        }
        let position = *self.shared.table().position(file);
        let (bytes, after) = self.shared.feed.next(position, length as usize);
        self.store(file, &asked, source, &bytes)?;
        let used = match self.shared.feed {
            Feed::Streams(_) => bytes.len() as u32,
            _ => length,
        };
        Some(Filled {
            used,
            after: Some(after),
        })
    }

    /// Writes into the memory behind a buffer. A mapping that stayed would keep the memory from being freed.
    fn store(&self, file: File, asked: &Buffer, source: Source, bytes: &[u8]) -> Option<()> {
        let length = asked.length as usize;
        let mut mapping = match source {
            Source::Driver => Mapping::at(self.file(file), asked.offset(), length, true),
            Source::Import(dmabuf, size) => {
                let fd = self.shared.table().dmabuf(dmabuf).fd;
                Mapping::at(fd, 0, size as usize, true)
            }
            Source::Own(_) => {
                let mut table = self.shared.table();
                let key = BufferKey {
                    serial: table.serial(file)?,
                    queue: Queue::Output,
                    index: asked.index,
                    plane: 0,
                };
                table.own_pages(key)?.store(bytes);
                return Some(());
            }
        }
        .ok()?;
        mapping.store(bytes);
        Some(())
    }
}
