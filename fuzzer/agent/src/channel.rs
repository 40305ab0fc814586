//! The byte stream to the host, and the messages on it.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use nix::libc;
use trace::wire::{self, FrameReader, Reply, Request};

use crate::sys::file;
use crate::sys::memory::Mapping;

/// The page of the channel that can be mapped.
const PAGE_BYTES: usize = 4096;

/// A byte stream to the host.
pub(crate) trait Transport: Send + Sync {
    /// Waits for bytes; 0 if the host closed its end.
    fn read(&self, buffer: &mut [u8]) -> nix::Result<usize>;
    /// Writes all of the bytes.
    fn write_all(&self, bytes: &[u8]) -> nix::Result<()>;
}

/// The lab's channel: a character device whose read(2) stops virtual time while it waits.
pub(crate) struct LabChannel(i32);

impl LabChannel {
    /// Opens the device.
    pub(crate) fn open() -> Result<Self> {
        let fd = file::open(c"/dev/lab_channel", libc::O_RDWR).context(
            "/dev/lab_channel: boot a kernel with the lab's channel and `lab_channel=IN,OUT` on its command line",
        )?;
        Ok(Self(fd))
    }

    /// The page that shows the virtual time, if this kernel's channel has one.
    pub(crate) fn clock_page(&self) -> Option<Mapping> {
        Mapping::new(self.0, PAGE_BYTES, false).ok()
    }
}

impl Transport for LabChannel {
    fn read(&self, buffer: &mut [u8]) -> nix::Result<usize> {
        file::read(self.0, buffer)
    }

    fn write_all(&self, bytes: &[u8]) -> nix::Result<()> {
        file::write_all(self.0, bytes)
    }
}

/// Standard input and output, for a target that is reached through a serial line or a remote shell.
pub(crate) struct Stdio;

impl Transport for Stdio {
    fn read(&self, buffer: &mut [u8]) -> nix::Result<usize> {
        file::read(libc::STDIN_FILENO, buffer)
    }

    fn write_all(&self, bytes: &[u8]) -> nix::Result<()> {
        file::write_all(libc::STDOUT_FILENO, bytes)
    }
}

/// Messages over a transport.
pub(crate) struct Channel {
    transport: Arc<dyn Transport>,
    reader: FrameReader,
    buffer: Vec<u8>,
}

impl Channel {
    /// A channel on which nothing was said yet.
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            reader: FrameReader::new(),
            buffer: vec![0; 64 << 10],
        }
    }

    /// Waits for the next request; `None` if the host is gone.
    pub(crate) fn receive(&mut self) -> Result<Option<Request>> {
        loop {
            if let Some(request) = self.reader.next_message()? {
                return Ok(Some(request));
            }
            match self
                .transport
                .read(&mut self.buffer)
                .context("reading from the host")?
            {
                0 if self.reader.pending() == 0 => return Ok(None),
                0 => bail!("the host closed the channel in the middle of a request"),
                count => self.reader.push(&self.buffer[..count]),
            }
        }
    }

    /// Sends a reply.
    pub(crate) fn send(&self, reply: &Reply) -> Result<()> {
        self.send_frame(&wire::encode(reply)?)
    }

    /// Sends the first message.
    pub(crate) fn greet(&self, hello: &wire::Hello) -> Result<()> {
        self.send_frame(&wire::encode(hello)?)
    }

    fn send_frame(&self, frame: &[u8]) -> Result<()> {
        self.transport
            .write_all(frame)
            .context("writing to the host")
    }
}
