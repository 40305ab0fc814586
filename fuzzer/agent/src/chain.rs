//! The agent as a tool: `--chain none|poll` runs two stages of the double in a row, a decoder whose CAPTURE buffer a mem2mem
//! node imports as its OUTPUT buffer, while the first stage is held at its gate. With `poll` the second stage gets the buffer
//! when poll(2) says that it may be read, with `none` at once.
//!
//! Jobs of the first stage have numbers from [`FIRST`] on, those of the second from [`SECOND`] on.

use anyhow::{Context, Result, bail, ensure};
use nix::libc;

use crate::device::Node;
use crate::sys::clock::{self, MILLISECOND, SECOND as SECONDS};
use crate::sys::double::{self, Knob};
use crate::sys::v4l2::{
    self, Buffer, ExportBuffer, Format, MEMORY_DMABUF, MEMORY_MMAP, RequestBuffers, TYPE_CAPTURE,
    TYPE_OUTPUT,
};
use crate::sys::{Plain, file};

/// Numbers of the jobs of each stage.
const FIRST: u64 = 1 << 20;
const SECOND: u64 = 2 << 20;

/// How long the first stage is held if nobody opens its gate.
const WATCHDOG: u64 = 500 * MILLISECOND;

/// Sides of all frames.
const SIDE: u32 = 64;

/// An open node.
struct Stage(i32);

impl Drop for Stage {
    fn drop(&mut self) {
        // There is nobody to tell, and the process ends soon.
        let _ = file::close(self.0);
    }
}

/// Runs the chain and prints how long the second stage's QBUF took, and whether its frame was done while the first stage
/// still wrote.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let waits = match arguments.next().as_deref() {
        Some("none") => false,
        Some("poll") => true,
        other => bail!("--chain needs none or poll, not {other:?}"),
    };
    let first = Stage::open("vb2_double", FIRST)?;
    let second = Stage::open("vb2_double-m2m", SECOND)?;
    double::set(first.0, Knob::Gate, 1)?;
    first.request(TYPE_OUTPUT, MEMORY_MMAP)?;
    first.request(TYPE_CAPTURE, MEMORY_MMAP)?;
    let between = first.export()?;
    first.queue(TYPE_OUTPUT, None)?;
    first.queue(TYPE_CAPTURE, None)?;
    first.start()?;
    ensure!(!is_readable(between, 0)?, "the first stage has no fence");

    second.request(TYPE_OUTPUT, MEMORY_DMABUF)?;
    second.request(TYPE_CAPTURE, MEMORY_MMAP)?;
    second.start()?;
    second.queue(TYPE_CAPTURE, None)?;
    if waits {
        double::set(first.0, Knob::Gate, 0)?;
        ensure!(
            is_readable(between, SECONDS)?,
            "the first stage does not end"
        );
    }
    let begin = clock::now();
    second.queue(TYPE_OUTPUT, Some(between))?;
    let took = clock::now() - begin;
    second.done()?;
    let early = !is_readable(between, 0)?;
    double::set(first.0, Knob::Gate, 0)?;
    first.done()?;
    file::close(between)?;
    println!("qbuf {took} early {early}");
    Ok(())
}

/// Whether poll(2) lets readers have the dma-buf.
fn is_readable(dmabuf: i32, patience: u64) -> Result<bool> {
    let ready = file::poll(dmabuf, libc::POLLIN, patience)?;
    Ok(ready & libc::POLLIN as u16 != 0)
}

impl Stage {
    fn open(name: &'static str, jobs: u64) -> Result<Self> {
        let path = Node::of_double(name).find();
        let path = path.with_context(|| format!("no node {name}: use --nodes decoder,m2m"))?;
        let stage = Self(file::open(&path, libc::O_RDWR | libc::O_NONBLOCK)?);
        double::set(stage.0, Knob::JobBase, jobs)?;
        double::set(stage.0, Knob::Watchdog, WATCHDOG)?;
        for kind in [TYPE_OUTPUT, TYPE_CAPTURE] {
            let mut format = Format {
                kind,
                ..Format::zeroed()
            };
            v4l2::G_FMT.call(stage.0, &mut format)?;
            (format.width, format.height, format.sizeimage) = (SIDE, SIDE, 0);
            v4l2::S_FMT.call(stage.0, &mut format)?;
        }
        Ok(stage)
    }

    fn request(&self, kind: u32, memory: u32) -> Result<()> {
        let mut request = RequestBuffers {
            count: 1,
            kind,
            memory,
            ..RequestBuffers::zeroed()
        };
        v4l2::REQBUFS
            .call(self.0, &mut request)
            .context("REQBUFS")?;
        Ok(())
    }

    fn export(&self) -> Result<i32> {
        let mut argument = ExportBuffer {
            kind: TYPE_CAPTURE,
            flags: (libc::O_RDWR | libc::O_CLOEXEC) as u32,
            ..ExportBuffer::zeroed()
        };
        v4l2::EXPBUF.call(self.0, &mut argument).context("EXPBUF")?;
        Ok(argument.fd)
    }

    /// Queues the only buffer, with that dma-buf if one is imported.
    fn queue(&self, kind: u32, imported: Option<i32>) -> Result<()> {
        let mut buffer = Buffer {
            kind,
            memory: imported.map_or(MEMORY_MMAP, |_| MEMORY_DMABUF),
            m: imported.unwrap_or(0).into(),
            field: v4l2::FIELD_NONE,
            bytesused: if kind == TYPE_OUTPUT { SIDE * SIDE } else { 0 },
            length: SIDE * SIDE,
            ..Buffer::zeroed()
        };
        v4l2::QBUF.call(self.0, &mut buffer).context("QBUF")?;
        Ok(())
    }

    fn start(&self) -> Result<()> {
        for kind in [TYPE_OUTPUT, TYPE_CAPTURE] {
            let mut kind = kind as libc::c_int;
            v4l2::STREAMON.call(self.0, &mut kind).context("STREAMON")?;
        }
        Ok(())
    }

    /// Waits for the frame.
    fn done(&self) -> Result<()> {
        ensure!(is_readable(self.0, SECONDS)?, "a job does not end");
        Ok(())
    }
}
