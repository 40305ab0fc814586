//! An open node of the double with buffers that are exported and mapped.

use std::ffi::CString;

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::libc;

use crate::sys::clock::{self, MILLISECOND, SECOND};
use crate::sys::dma_buf::{self, SyncFile};
use crate::sys::double::{self, Knob, STAMP_MAGIC, Stamp, Stats};
use crate::sys::memory::Mapping;
use crate::sys::node::Node;
use crate::sys::v4l2::{
    self, Buffer, ExportBuffer, Format, FormatMplane, RemoveBuffers, RequestBuffers,
};
use crate::sys::{Plain, file, sync_file};

/// Words of `struct vb2_double_stamp`.
const STAMP_WORDS: usize = 4;

/// How long anything may take: longer than the longest watchdog.
const LIMIT: u64 = 5 * SECOND;

/// One of the two queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Output,
    Capture,
}

/// How a buffer came back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) index: u32,
    pub(super) flags: u32,
    pub(super) bytesused: u32,
}

impl Ended {
    /// With an error.
    pub(super) fn is_error(&self) -> bool {
        self.flags & v4l2::BUF_FLAG_ERROR != 0
    }
}

/// A fence as a sync_file.
pub(super) struct Fence(i32);

impl Fence {
    /// Status, and the time of the signal of its one fence.
    pub(super) fn state(&self) -> Result<(i32, u64)> {
        let info = sync_file::info(self.0)?;
        let fence = info.fences.first().context("a sync_file without a fence")?;
        Ok((info.status, fence.timestamp_ns))
    }

    pub(super) fn is_pending(&self) -> Result<bool> {
        Ok(self.state()?.0 == 0)
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        let _ = file::close(self.0);
    }
}

/// A plane of a buffer: exported and mapped.
pub(super) struct Plane {
    fd: i32,
    map: Mapping,
}

impl Plane {
    /// The fences that a writer has to wait for.
    pub(super) fn fence(&self) -> Result<Fence> {
        let mut argument = SyncFile {
            flags: dma_buf::SYNC_READ | dma_buf::SYNC_WRITE,
            fd: -1,
        };
        dma_buf::EXPORT_SYNC_FILE.call(self.fd, &mut argument)?;
        Ok(Fence(argument.fd))
    }

    /// The stamp, if there is one.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let magic = self.map.word_acquire(0);
        (magic == STAMP_MAGIC).then(|| Stamp {
            magic,
            job: self.map.word(1),
            time_ns: self.map.word(2),
            words: self.map.word(3),
        })
    }

    /// Words from the first on that are those of a job and a plane.
    pub(super) fn good_words(&self, job: u64, plane: usize) -> u64 {
        let words = 0..self.map.words() - STAMP_WORDS;
        let is_good =
            |w: &usize| self.map.word(STAMP_WORDS + w) == double::plane_word(job, plane, *w as u64);
        words.take_while(is_good).count() as u64
    }

    /// Pattern words that there is room for.
    pub(super) fn room(&self) -> u64 {
        (self.map.words() - STAMP_WORDS) as u64
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = file::close(self.fd);
    }
}

/// An open node. Closing it gives everything back.
pub(super) struct Stream {
    fd: i32,
    multi: bool,
    /// Bytes of each plane of a buffer, by side.
    planes: [Vec<u32>; 2],
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = file::close(self.fd);
    }
}

impl Stream {
    /// Opens the decoder.
    pub(super) fn decoder() -> Result<Self> {
        Self::open("vb2_double")
    }

    /// Opens the converter, whose CAPTURE buffers can be held.
    pub(super) fn converter() -> Result<Self> {
        Self::open("vb2_double-m2m")
    }

    /// Opens the converter with multi-planar queues.
    pub(super) fn multi_planar() -> Result<Self> {
        Self::open("vb2_double-m2m-mplane")
    }

    fn open(name: &'static str) -> Result<Self> {
        let path: CString = Node::of_double(name).find().with_context(|| {
            format!("no video node {name}: load vb2_double with nodes=decoder,m2m,m2m-mplane")
        })?;
        let mut stream = Self {
            fd: file::open(&path, libc::O_RDWR | libc::O_NONBLOCK)?,
            multi: name.ends_with("-mplane"),
            planes: [Vec::new(), Vec::new()],
        };
        for side in [Side::Output, Side::Capture] {
            stream.format(side, None)?;
        }
        Ok(stream)
    }

    /// The descriptor.
    pub(super) fn fd(&self) -> i32 {
        self.fd
    }

    /// Sets a knob.
    pub(super) fn set(&self, knob: Knob, value: u64) -> Result<()> {
        double::set(self.fd, knob, value).with_context(|| format!("setting {knob:?} to {value}"))
    }

    /// What the double counted.
    pub(super) fn stats(&self) -> Result<Stats> {
        double::stats(self.fd).context("asking for the statistics")
    }

    fn kind(&self, side: Side) -> u32 {
        match (side, self.multi) {
            (Side::Output, false) => v4l2::TYPE_OUTPUT,
            (Side::Capture, false) => v4l2::TYPE_CAPTURE,
            (Side::Output, true) => v4l2::TYPE_OUTPUT_MPLANE,
            (Side::Capture, true) => v4l2::TYPE_CAPTURE_MPLANE,
        }
    }

    /// Sets frames of 64 by 64, and perhaps another pixel format.
    pub(super) fn format(&mut self, side: Side, pixels: Option<u32>) -> Result<()> {
        let kind = self.kind(side);
        if !self.multi {
            let mut format = Format {
                kind,
                ..Format::zeroed()
            };
            v4l2::G_FMT.call(self.fd, &mut format)?;
            format.pixelformat = pixels.unwrap_or(format.pixelformat);
            (format.width, format.height) = (64, 64);
            (format.bytesperline, format.sizeimage) = (0, 0);
            v4l2::S_FMT.call(self.fd, &mut format)?;
            self.planes[side as usize] = vec![format.sizeimage];
            return Ok(());
        }
        let mut format = FormatMplane {
            kind,
            ..FormatMplane::zeroed()
        };
        v4l2::G_FMT_MPLANE.call(self.fd, &mut format)?;
        format.pixelformat = pixels.unwrap_or(format.pixelformat);
        (format.width, format.height) = (64, 64);
        for plane in &mut format.planes {
            (plane.sizeimage, plane.bytesperline) = (0, 0);
        }
        v4l2::S_FMT_MPLANE.call(self.fd, &mut format)?;
        let planes = &format.planes[..format.num_planes.into()];
        self.planes[side as usize] = planes.iter().map(|plane| plane.sizeimage).collect();
        Ok(())
    }

    /// Width of the frames on a single-planar queue.
    pub(super) fn width(&self, side: Side) -> Result<u32> {
        let mut format = Format {
            kind: self.kind(side),
            ..Format::zeroed()
        };
        v4l2::G_FMT.call(self.fd, &mut format)?;
        Ok(format.width)
    }

    /// Allocates buffers.
    pub(super) fn request(&self, side: Side, count: u32) -> Result<()> {
        let mut request = RequestBuffers {
            count,
            kind: self.kind(side),
            memory: v4l2::MEMORY_MMAP,
            ..RequestBuffers::zeroed()
        };
        v4l2::REQBUFS.call(self.fd, &mut request)?;
        ensure!(request.count >= count, "fewer buffers than asked for");
        Ok(())
    }

    /// Allocates buffers on both sides.
    pub(super) fn with_buffers(self, output: u32, capture: u32) -> Result<Self> {
        self.request(Side::Output, output)?;
        self.request(Side::Capture, capture)?;
        Ok(self)
    }

    /// Removes one buffer.
    pub(super) fn remove(&self, side: Side, index: u32) -> Result<()> {
        let mut argument = RemoveBuffers {
            index,
            count: 1,
            kind: self.kind(side),
            ..RemoveBuffers::zeroed()
        };
        v4l2::REMOVE_BUFS.call(self.fd, &mut argument)?;
        Ok(())
    }

    /// Exports and maps a plane.
    pub(super) fn export(&self, side: Side, index: u32, plane: u32) -> Result<Plane> {
        let mut argument = ExportBuffer {
            kind: self.kind(side),
            index,
            plane,
            flags: (libc::O_RDWR | libc::O_CLOEXEC) as u32,
            ..ExportBuffer::zeroed()
        };
        v4l2::EXPBUF.call(self.fd, &mut argument)?;
        let length = file::size(argument.fd)? as usize;
        let map = Mapping::new(argument.fd, length, false)?;
        Ok(Plane {
            fd: argument.fd,
            map,
        })
    }

    /// Number of planes of a buffer.
    pub(super) fn planes(&self, side: Side) -> usize {
        self.planes[side as usize].len()
    }

    /// Queues a buffer, as a whole frame.
    pub(super) fn queue(&self, side: Side, index: u32) -> Result<()> {
        self.queue_slice(side, index, 0, 0)
    }

    /// Queues a buffer with flags and a timestamp in microseconds.
    pub(super) fn queue_slice(&self, side: Side, index: u32, flags: u32, time: i64) -> Result<()> {
        let mut planes = [v4l2::Plane::zeroed(); 8];
        let mut buffer = self.buffer(side, &mut planes);
        buffer.index = index;
        buffer.flags = flags;
        buffer.timestamp = [0, time];
        let bytes = &self.planes[side as usize];
        buffer.bytesused = bytes.first().copied().unwrap_or_default();
        // The union of the buffer points to these, if it is multi-planar.
        for (plane, bytes) in planes.iter_mut().zip(bytes) {
            plane.bytesused = *bytes;
        }
        v4l2::QBUF
            .call(self.fd, &mut buffer)
            .with_context(|| format!("QBUF of {side:?} {index}"))?;
        Ok(())
    }

    /// Whether QUERYBUF knows the buffer.
    pub(super) fn knows(&self, side: Side, index: u32) -> bool {
        let mut planes = [v4l2::Plane::zeroed(); 8];
        let mut buffer = self.buffer(side, &mut planes);
        buffer.index = index;
        v4l2::QUERYBUF.call(self.fd, &mut buffer).is_ok()
    }

    fn buffer(&self, side: Side, planes: &mut [v4l2::Plane; 8]) -> Buffer {
        let mut buffer = Buffer {
            kind: self.kind(side),
            memory: v4l2::MEMORY_MMAP,
            field: v4l2::FIELD_NONE,
            ..Buffer::zeroed()
        };
        if self.multi {
            buffer.m = planes.as_mut_ptr() as i64;
            buffer.length = self.planes(side) as u32;
        }
        buffer
    }

    /// Dequeues a buffer if there is one.
    pub(super) fn dequeue(&self, side: Side) -> nix::Result<Option<Ended>> {
        let mut planes = [v4l2::Plane::zeroed(); 8];
        let mut buffer = self.buffer(side, &mut planes);
        match v4l2::DQBUF.call(self.fd, &mut buffer) {
            Ok(_) => Ok(Some(Ended {
                index: buffer.index,
                flags: buffer.flags,
                bytesused: buffer.bytesused,
            })),
            Err(Errno::EAGAIN) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Waits for a buffer.
    pub(super) fn wait(&self, side: Side) -> Result<Ended> {
        let end = clock::now() + LIMIT;
        while clock::now() < end {
            if let Some(ended) = self
                .dequeue(side)
                .with_context(|| format!("DQBUF of {side:?}"))?
            {
                return Ok(ended);
            }
            clock::sleep(MILLISECOND / 10);
        }
        bail!("no {side:?} buffer came back in time")
    }

    /// STREAMON of both sides.
    pub(super) fn start(&self) -> Result<()> {
        for side in [Side::Output, Side::Capture] {
            let mut kind = self.kind(side) as libc::c_int;
            v4l2::STREAMON.call(self.fd, &mut kind)?;
        }
        Ok(())
    }

    /// `V4L2_DEC_CMD_STOP`
    pub(super) fn drain(&self) -> Result<()> {
        let mut command = v4l2::DecoderCommand {
            cmd: v4l2::DEC_CMD_STOP,
            ..v4l2::DecoderCommand::zeroed()
        };
        v4l2::DECODER_CMD.call(self.fd, &mut command)?;
        Ok(())
    }

    /// STREAMOFF of one side.
    pub(super) fn stop(&self, side: Side) -> Result<()> {
        let mut kind = self.kind(side) as libc::c_int;
        v4l2::STREAMOFF.call(self.fd, &mut kind)?;
        Ok(())
    }
}
