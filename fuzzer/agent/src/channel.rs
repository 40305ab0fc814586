//! The byte stream to the host, and the messages on it.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use nix::libc;
use trace::wire::{self, FrameReader, Reply, Request};

use crate::sys::batch::{self, Batch};
use crate::sys::file;
use crate::sys::memory::Mapping;

/// The page of the channel that can be mapped.
const PAGE_BYTES: usize = 4096;

/// What the channel takes in one write(2).
const LONGEST_WRITE: usize = 64 << 10;

/// A byte stream to the host.
pub(crate) trait Transport: Send + Sync {
    /// Waits for bytes; 0 if the host closed its end.
    fn read(&self, buffer: &mut [u8]) -> nix::Result<usize>;
    /// Writes all of the bytes.
    fn write_all(&self, bytes: &[u8]) -> nix::Result<()>;
    /// Writes all of the bytes and waits for an answer.
    fn exchange(&self, bytes: &[u8], buffer: &mut [u8]) -> nix::Result<usize> {
        self.write_all(bytes)?;
        self.read(buffer)
    }
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

    /// Has batches of system calls go through the device, if this kernel's can make them.
    pub(crate) fn takes_batches(&self) {
        batch::go_through(self.0);
    }
}

impl Transport for LabChannel {
    fn read(&self, buffer: &mut [u8]) -> nix::Result<usize> {
        file::read(self.0, buffer)
    }

    fn write_all(&self, bytes: &[u8]) -> nix::Result<()> {
        file::write_all(self.0, bytes)
    }

    fn exchange(&self, bytes: &[u8], buffer: &mut [u8]) -> nix::Result<usize> {
        if bytes.len() > LONGEST_WRITE {
            self.write_all(bytes)?;
            return self.read(buffer);
        }
        let mut batch = Batch::default();
        batch.write(self.0, bytes);
        batch.read(self.0, buffer);
        let results = batch.make();
        results[0]?;
        results[1].map(|count| count as usize)
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
    /// What has not been sent yet.
    reply: Vec<u8>,
}

impl Channel {
    /// A channel on which nothing was said yet.
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            reader: FrameReader::new(),
            buffer: vec![0; 64 << 10],
            reply: Vec::new(),
        }
    }

    /// Sends the reply that waits, and waits for the next request; `None` if the host is gone.
    pub(crate) fn receive(&mut self) -> Result<Option<Request>> {
        loop {
            if let Some(request) = self.next_message()? {
                return Ok(Some(request));
            }
            let reply = std::mem::take(&mut self.reply);
            let exchanged = match reply.is_empty() {
                true => self.transport.read(&mut self.buffer),
                false => self.transport.exchange(&reply, &mut self.buffer),
            };
            match exchanged.context("talking to the host")? {
                0 if self.reader.pending() == 0 => return Ok(None),
                0 => bail!("the host closed the channel in the middle of a request"),
                count => self.reader.push(&self.buffer[..count]),
            }
        }
    }

    /// A request that is there already; the reply to the one before goes first.
    fn next_message(&mut self) -> Result<Option<Request>> {
        let request = self.reader.next_message()?;
        if request.is_some() && !self.reply.is_empty() {
            let reply = std::mem::take(&mut self.reply);
            self.send_frame(&reply)?;
        }
        Ok(request)
    }

    /// Has a reply sent, with the call that waits for the next request.
    pub(crate) fn send(&mut self, reply: &Reply) -> Result<()> {
        self.reply = wire::encode(reply)?;
        Ok(())
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
