//! A mem2mem device with one buffer on each side, streaming.

use std::ffi::CStr;

use anyhow::{Context, Result, ensure};
use nix::libc;
use program::Driver;

use super::way::Way;
use crate::device::Node;
use crate::sys::clock::SECOND;
use crate::sys::double::{self, Knob, Stats};
use crate::sys::v4l2::{self, Buffer, Control, ExportBuffer, Format, RequestBuffers};
use crate::sys::{Ioctl, Plain, file};

/// `V4L2_CID_TRANS_TIME_MSEC` of vim2m: how long a job takes.
const VIM2M_TRANS_TIME: u32 = 0x0098_0900 + 0x1000;

/// An open device. Closing it gives everything back.
pub(crate) struct Stream {
    fd: i32,
    /// Bytes of a frame on the OUTPUT side.
    bytes: u32,
}

impl Drop for Stream {
    fn drop(&mut self) {
        // There is nobody to tell, and the process ends soon.
        let _ = file::close(self.fd);
    }
}

impl Stream {
    /// Opens the device of a driver, with its smallest frames and its shortest jobs.
    pub(crate) fn open(driver: Driver) -> Result<Self> {
        let node = Node::of(driver).find();
        let path = node.with_context(|| format!("no video node of {}", driver.name()))?;
        let stream = Self::idle(&path)?;
        stream.shorten(driver)?;
        stream.begin()
    }

    /// Opens any mem2mem device, with its smallest frames.
    pub(crate) fn at(path: &CStr) -> Result<Self> {
        Self::idle(path)?.begin()
    }

    fn idle(path: &CStr) -> Result<Self> {
        Ok(Self {
            fd: file::open(path, libc::O_RDWR | libc::O_NONBLOCK)?,
            bytes: 0,
        })
    }

    fn begin(mut self) -> Result<Self> {
        let stream = &mut self;
        stream.bytes = stream.small_frames(v4l2::TYPE_OUTPUT)?;
        stream.small_frames(v4l2::TYPE_CAPTURE)?;
        for kind in [v4l2::TYPE_OUTPUT, v4l2::TYPE_CAPTURE] {
            stream.start(kind).context("starting to stream")?;
        }
        Ok(self)
    }

    /// Jobs that run inside the system call that starts them, where the driver can.
    fn shorten(&self, driver: Driver) -> Result<()> {
        match driver {
            Driver::Double => {
                self.set(Knob::JobTime, 0)?;
                self.set(Knob::Chunks, 1)?;
                self.set(Knob::Completion, 2)
            }
            Driver::Vim2m => {
                let mut control = Control {
                    id: VIM2M_TRANS_TIME,
                    value: 1,
                };
                v4l2::S_CTRL.call(self.fd, &mut control)?;
                Ok(())
            }
            // The module was loaded with what this takes.
            Driver::VicodecEncoder | Driver::VicodecDecoder => Ok(()),
        }
    }

    /// Sets a knob of the double.
    pub(crate) fn set(&self, knob: Knob, value: u64) -> Result<()> {
        double::set(self.fd, knob, value).with_context(|| format!("knob {knob:?}"))
    }

    fn small_frames(&self, kind: u32) -> Result<u32> {
        let mut format = Format {
            kind,
            ..Format::zeroed()
        };
        v4l2::G_FMT.call(self.fd, &mut format)?;
        (
            format.width,
            format.height,
            format.bytesperline,
            format.sizeimage,
        ) = (64, 64, 0, 0);
        v4l2::S_FMT.call(self.fd, &mut format)?;
        Ok(format.sizeimage)
    }

    fn start(&self, kind: u32) -> Result<()> {
        let mut request = RequestBuffers {
            count: 1,
            kind,
            memory: v4l2::MEMORY_MMAP,
            ..RequestBuffers::zeroed()
        };
        v4l2::REQBUFS.call(self.fd, &mut request)?;
        let mut kind = kind as libc::c_int;
        v4l2::STREAMON.call(self.fd, &mut kind)?;
        Ok(())
    }

    /// Stops both queues, which gives the buffers back, and starts them again.
    pub(crate) fn restart(&self) -> Result<()> {
        let kinds = [v4l2::TYPE_OUTPUT, v4l2::TYPE_CAPTURE].map(|kind| kind as libc::c_int);
        for mut kind in kinds {
            v4l2::STREAMOFF.call(self.fd, &mut kind)?;
        }
        for mut kind in kinds {
            v4l2::STREAMON.call(self.fd, &mut kind)?;
        }
        Ok(())
    }

    /// What the double counted of this file.
    pub(crate) fn stats(&self) -> Result<Stats> {
        double::stats(self.fd).context("VB2_DOUBLE_G_STATS")
    }

    /// The CAPTURE buffer as a dma-buf. It lives as long as the process.
    pub(crate) fn export(&self) -> Result<i32> {
        self.export_of(v4l2::TYPE_CAPTURE)
    }

    /// The buffer of this queue as a dma-buf.
    pub(crate) fn export_of(&self, kind: u32) -> Result<i32> {
        let mut argument = ExportBuffer {
            kind,
            flags: (libc::O_RDWR | libc::O_CLOEXEC) as u32,
            ..ExportBuffer::zeroed()
        };
        v4l2::EXPBUF.call(self.fd, &mut argument)?;
        Ok(argument.fd)
    }

    /// From the first QBUF to the last DQBUF: the ticks that were spent in these calls.
    pub(crate) fn cycle(&self, way: &Way) -> Result<u64> {
        let queued = self.queue(way)?;
        Ok(queued + self.dequeue(way)?)
    }

    /// Queues both buffers, CAPTURE first, so that the second call starts the job.
    pub(crate) fn queue(&self, way: &Way) -> Result<u64> {
        let capture = self.call(way, &v4l2::QBUF, v4l2::TYPE_CAPTURE)?;
        Ok(capture + self.call(way, &v4l2::QBUF, v4l2::TYPE_OUTPUT)?)
    }

    /// Dequeues both. Waiting for a job that still runs is not counted.
    pub(crate) fn dequeue(&self, way: &Way) -> Result<u64> {
        self.wait()?;
        let capture = self.call(way, &v4l2::DQBUF, v4l2::TYPE_CAPTURE)?;
        Ok(capture + self.call(way, &v4l2::DQBUF, v4l2::TYPE_OUTPUT)?)
    }

    fn wait(&self) -> Result<()> {
        let ready = file::poll(self.fd, libc::POLLIN, 5 * SECOND)?;
        ensure!(
            ready & libc::POLLIN as u16 != 0,
            "the job does not end: poll told {ready:#x}"
        );
        Ok(())
    }

    fn call(&self, way: &Way, ioctl: &Ioctl<Buffer>, kind: u32) -> Result<u64> {
        let mut buffer = Buffer {
            kind,
            memory: v4l2::MEMORY_MMAP,
            field: v4l2::FIELD_NONE,
            ..Buffer::zeroed()
        };
        if kind == v4l2::TYPE_OUTPUT {
            buffer.bytesused = self.bytes;
        }
        let ticks = way.call(ioctl, self.fd, &mut buffer)?;
        ensure!(
            buffer.flags & v4l2::BUF_FLAG_ERROR == 0,
            "a job ended with an error"
        );
        Ok(ticks)
    }
}
