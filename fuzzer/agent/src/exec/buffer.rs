//! `struct v4l2_buffer` of single- and multi-planar queues.

use program::{Dmabuf, File, Queue};
use trace::Out;

use super::Executor;
use super::video::buffer;
use crate::journal::{Seen, buffer_type};
use crate::sys::v4l2::{self, Buffer, Plane};
use crate::sys::{Ioctl, Plain};
use crate::table::Piece;

/// `VIDEO_MAX_PLANES`: the kernel fills in as many as the buffer has.
const PLANES: usize = 8;

/// A buffer with room for its planes.
pub(super) struct Described {
    pub(super) buffer: Buffer,
    /// None for a single-planar queue.
    planes: Vec<Plane>,
}

impl Described {
    /// Whether its queue is multi-planar.
    pub(super) fn is_multi(&self) -> bool {
        !self.planes.is_empty()
    }

    /// Calls an ioctl with it.
    pub(super) fn call(&mut self, ioctl: &Ioctl<Buffer>, fd: i32) -> nix::Result<()> {
        if self.is_multi() {
            // The union of the buffer points to these.
            self.buffer.m = self.planes.as_mut_ptr() as i64;
            self.buffer.length = PLANES as u32;
        }
        ioctl.call(fd, &mut self.buffer).map(drop)
    }

    /// Where a plane can be mapped, and how long it is, once QUERYBUF has told.
    pub(super) fn place(&self, plane: u32) -> Option<(i64, u32)> {
        if self.buffer.memory != v4l2::MEMORY_MMAP {
            // What would be an offset is a descriptor or an address here, and might be the offset of another buffer.
            return None;
        }
        if !self.is_multi() {
            return (plane == 0).then(|| (self.buffer.offset(), self.buffer.length));
        }
        // The length of a multi-planar buffer is the number of its planes.
        let there = plane < self.buffer.length;
        let plane = self.planes.get(plane as usize).filter(|_| there)?;
        Some((plane.m as u32 as i64, plane.length))
    }

    /// The lengths of its planes, once QUERYBUF has told.
    pub(super) fn lengths(&self) -> Vec<u32> {
        if !self.is_multi() {
            return vec![self.buffer.length];
        }
        let planes = self.planes.iter().take(self.buffer.length as usize);
        planes.map(|plane| plane.length).collect()
    }

    /// Says of each plane that it is memory of the agent. Of an OUTPUT buffer all of it is used.
    pub(super) fn stand_on(&mut self, pieces: &[Piece], queue: Queue) {
        let used = |piece: &Piece| match queue {
            // An empty one is deprecated and the kernel would warn.
            Queue::Output => piece.length.max(1),
            Queue::Capture => 0,
        };
        self.buffer.memory = v4l2::MEMORY_USERPTR;
        if !self.is_multi() {
            let none = Piece {
                address: 0,
                length: 0,
            };
            let piece = pieces.first().unwrap_or(&none);
            (self.buffer.m, self.buffer.length) = (piece.address as i64, piece.length);
            self.buffer.bytesused = used(piece);
        }
        for (plane, piece) in self.planes.iter_mut().zip(pieces) {
            (plane.m, plane.length) = (piece.address, piece.length);
            plane.bytesused = used(piece);
        }
    }

    /// What the trace tells of it: of several planes the first.
    pub(super) fn seen(&self) -> Seen {
        let Buffer {
            index,
            flags,
            sequence,
            ..
        } = self.buffer;
        let (bytesused, length) = match self.planes.first() {
            Some(plane) => (plane.bytesused, plane.length),
            None => (self.buffer.bytesused, self.buffer.length),
        };
        Seen::Out(Out::Buffer {
            index,
            flags,
            bytesused,
            length,
            sequence,
        })
    }
}

impl Executor<'_> {
    /// `enum v4l2_buf_type` of a queue of this file.
    pub(super) fn kind(&self, file: File, queue: Queue) -> u32 {
        match (self.shared.table().is_multi(file), queue) {
            (false, queue) => buffer_type(queue),
            (true, Queue::Output) => v4l2::TYPE_OUTPUT_MPLANE,
            (true, Queue::Capture) => v4l2::TYPE_CAPTURE_MPLANE,
        }
    }

    /// A buffer of this queue, of MMAP memory.
    pub(super) fn describe(&self, file: File, queue: Queue, index: u32) -> Described {
        let mut buffer = buffer(queue, index);
        buffer.kind = self.kind(file, queue);
        let multi = buffer.kind != buffer_type(queue);
        let planes = vec![Plane::zeroed(); if multi { PLANES } else { 0 }];
        Described { buffer, planes }
    }

    /// Says of each plane how much of it is used, and whose memory it is.
    pub(super) fn describe_planes(
        &self,
        described: &mut Described,
        (file, queue, index): (File, Queue, u32),
        dmabufs: &[Dmabuf],
    ) {
        if queue == Queue::Output {
            let mut asked = self.describe(file, queue, index);
            // What QUERYBUF does not know, QBUF does not know either.
            let _ = asked.call(&v4l2::QUERYBUF, self.file(file));
            for (plane, known) in described.planes.iter_mut().zip(&asked.planes) {
                // An empty plane is deprecated and the kernel would warn.
                plane.bytesused = known.length.max(1);
            }
        }
        if dmabufs.is_empty() {
            return;
        }
        described.buffer.memory = v4l2::MEMORY_DMABUF;
        for (number, plane) in described.planes.iter_mut().enumerate() {
            let Some(dmabuf) = dmabufs.get(number) else {
                // A plane that nobody named has no descriptor either.
                plane.m = u64::from(u32::MAX);
                continue;
            };
            let (fd, size) = self.shared.table().dmabuf_size(*dmabuf);
            plane.m = u64::from(fd as u32);
            plane.length = size.map_or(u32::MAX, |size| u32::try_from(size).unwrap_or(u32::MAX));
            plane.bytesused = plane.bytesused.min(plane.length);
        }
    }
}
