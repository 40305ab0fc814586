//! Real input for a decoder: frames that the stateful encoder of the same driver made, when the agent starts.

use anyhow::{Context, Result, anyhow, ensure};
use nix::libc;
use program::Driver;

use crate::device::Node;
use crate::sys::clock::SECOND;
use crate::sys::memory::Mapping;
use crate::sys::v4l2::{self, Buffer, Format, RequestBuffers};
use crate::sys::{Plain, file, picture};

/// Frames of a stream: the first needs no other, the others build on the one before.
pub(crate) const FRAMES: usize = 4;

/// Encodes a few pictures of this size.
pub(crate) fn frames(size: (u32, u32)) -> Result<[Vec<u8>; FRAMES]> {
    let path = Node::of(Driver::VicodecEncoder)
        .find()
        .context("the decoder needs the encoder of vicodec for its input: there is no such node")?;
    let fd = file::open(&path, libc::O_RDWR | libc::O_NONBLOCK).context("the encoder")?;
    let frames = Encoder { fd }.encode(size);
    file::close(fd).context("the encoder")?;
    let (width, height) = size;
    let frames = frames.with_context(|| format!("encoding {width}x{height}"))?;
    frames
        .try_into()
        .map_err(|_| anyhow!("the encoder gave another number of frames"))
}

/// An open encoder. Its first buffer of each queue is all that is used.
struct Encoder {
    fd: i32,
}

impl Encoder {
    fn encode(&self, size: (u32, u32)) -> Result<Vec<Vec<u8>>> {
        self.set_format(size)?;
        let mut raw = self.allocate(v4l2::TYPE_OUTPUT)?;
        let coded = self.allocate(v4l2::TYPE_CAPTURE)?;
        for kind in [v4l2::TYPE_OUTPUT, v4l2::TYPE_CAPTURE] {
            v4l2::STREAMON
                .call(self.fd, &mut (kind as libc::c_int))
                .context("STREAMON")?;
        }
        let one = |number| self.one(&mut raw, &coded, &picture::squares(size, number));
        (0..FRAMES as u32).map(one).collect()
    }

    fn set_format(&self, (width, height): (u32, u32)) -> Result<()> {
        let mut format = Format::zeroed();
        format.kind = v4l2::TYPE_OUTPUT;
        (format.width, format.height) = (width, height);
        format.pixelformat = v4l2::PIX_FMT_YUV420;
        v4l2::S_FMT.call(self.fd, &mut format).context("S_FMT")?;
        let set = (format.width, format.height);
        ensure!(set == (width, height), "S_FMT made {set:?} of it");
        Ok(())
    }

    fn allocate(&self, kind: u32) -> Result<Mapping> {
        let mut request = RequestBuffers::zeroed();
        request.count = 1;
        request.kind = kind;
        request.memory = v4l2::MEMORY_MMAP;
        v4l2::REQBUFS
            .call(self.fd, &mut request)
            .context("REQBUFS")?;
        let mut buffer = first(kind);
        v4l2::QUERYBUF
            .call(self.fd, &mut buffer)
            .context("QUERYBUF")?;
        Mapping::at(self.fd, buffer.offset(), buffer.length as usize, true).context("mmap")
    }

    /// Encodes a picture.
    fn one(&self, raw: &mut Mapping, coded: &Mapping, picture: &[u8]) -> Result<Vec<u8>> {
        raw.store(picture);
        for kind in [v4l2::TYPE_OUTPUT, v4l2::TYPE_CAPTURE] {
            let mut buffer = first(kind);
            buffer.bytesused = picture.len() as u32;
            buffer.field = v4l2::FIELD_NONE;
            v4l2::QBUF.call(self.fd, &mut buffer).context("QBUF")?;
        }
        file::poll(self.fd, libc::POLLIN, SECOND).context("poll")?;
        let frame = self.dequeue(v4l2::TYPE_CAPTURE)?;
        self.dequeue(v4l2::TYPE_OUTPUT)?;
        Ok(coded.load(frame as usize))
    }

    /// Bytes in the buffer that comes.
    fn dequeue(&self, kind: u32) -> Result<u32> {
        let mut buffer = first(kind);
        v4l2::DQBUF.call(self.fd, &mut buffer).context("DQBUF")?;
        let error = buffer.flags & v4l2::BUF_FLAG_ERROR != 0;
        ensure!(!error, "the encoder failed");
        Ok(buffer.bytesused)
    }
}

fn first(kind: u32) -> Buffer {
    let mut buffer = Buffer::zeroed();
    buffer.kind = kind;
    buffer.memory = v4l2::MEMORY_MMAP;
    buffer
}
