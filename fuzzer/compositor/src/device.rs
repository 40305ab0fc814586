//! A mem2mem device, opened, with formats set and buffers mapped.

use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::libc;
use program::Driver;
use uapi::clock::{MILLISECOND, SECOND};
use uapi::double::Knob;
use uapi::memory::Mapping;
use uapi::node::Node;
use uapi::v4l2::{self, Buffer, ExportBuffer, Format, RequestBuffers};
use uapi::{Plain, double, file};

/// Buffers of each queue.
pub(crate) const BUFFERS: u32 = 4;
/// Size of all frames: the smallest of whole blocks that the codec takes.
pub(crate) const SIZE: (u32, u32) = (640, 368);

/// `V4L2_PIX_FMT_FWHT`
const FWHT: u32 = u32::from_le_bytes(*b"FWHT");
/// vim2m's `V4L2_CID_TRANS_TIME_MSEC`
const TRANSACTION_TIME: u32 = 0x0098_1900;

/// One of the two queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    Output,
    Capture,
}

impl Queue {
    fn kind(self) -> u32 {
        match self {
            Queue::Output => v4l2::TYPE_OUTPUT,
            Queue::Capture => v4l2::TYPE_CAPTURE,
        }
    }
}

/// A buffer that came back.
pub(crate) struct Done {
    pub(crate) index: usize,
    pub(crate) bytes: usize,
    pub(crate) error: bool,
}

/// A buffer's memory, and for CAPTURE its dma-buf.
pub(crate) struct Plane {
    pub(crate) memory: Mapping,
    pub(crate) length: usize,
    pub(crate) dmabuf: Option<OwnedFd>,
}

/// An open handle that streams.
pub(crate) struct Device {
    fd: OwnedFd,
    pub(crate) output: Vec<Plane>,
    pub(crate) capture: Vec<Plane>,
}

impl Device {
    /// Opens the driver's node, sets it up and starts both queues. A decoder learns its frames' size from `first`.
    pub(crate) fn start(driver: Driver, first: &[u8]) -> Result<Self> {
        let path = find(driver)?;
        let shown = path.to_string_lossy().into_owned();
        let number = file::open(&path, libc::O_RDWR | libc::O_NONBLOCK).context(shown)?;
        // SAFETY: the descriptor is fresh and nobody else knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(number) };
        let mut device = Self {
            fd,
            output: Vec::new(),
            capture: Vec::new(),
        };
        device.prepare(driver)?;
        device.output = device.allocate(Queue::Output)?;
        if driver == Driver::VicodecDecoder {
            device.announce(first)?;
        }
        device.capture = device.allocate(Queue::Capture)?;
        device.stream(Queue::Output)?;
        device.stream(Queue::Capture)?;
        if driver == Driver::VicodecDecoder {
            device.pass_first_frame()?;
        }
        Ok(device)
    }

    /// The descriptor, for poll(2) and its kin.
    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    fn prepare(&self, driver: Driver) -> Result<()> {
        let fd = self.fd.as_raw_fd();
        match driver {
            Driver::Double => {
                self.set_format(Queue::Output, 0)?;
                // A writer that takes 5 ms to begin and 7 ms for its eight chunks.
                let knobs = [
                    (Knob::JobTime, 5 * MILLISECOND),
                    (Knob::Chunks, 8),
                    (Knob::ChunkDelay, MILLISECOND),
                ];
                for (knob, value) in knobs {
                    double::set(fd, knob, value).context("the double's knobs")?;
                }
            }
            Driver::Vim2m => {
                self.set_format(Queue::Output, 0)?;
                self.set_format(Queue::Capture, 0)?;
                let mut control = v4l2::Control {
                    id: TRANSACTION_TIME,
                    value: 10,
                };
                v4l2::S_CTRL.call(fd, &mut control).context("S_CTRL")?;
            }
            Driver::VicodecEncoder => self.set_format(Queue::Output, v4l2::PIX_FMT_YUV420)?,
            Driver::VicodecDecoder => self.set_format(Queue::Output, FWHT)?,
        }
        Ok(())
    }

    fn set_format(&self, queue: Queue, pixelformat: u32) -> Result<()> {
        let mut format = Format::zeroed();
        format.kind = queue.kind();
        (format.width, format.height) = SIZE;
        format.pixelformat = pixelformat;
        v4l2::S_FMT
            .call(self.fd.as_raw_fd(), &mut format)
            .context("S_FMT")?;
        let set = (format.width, format.height);
        ensure!(set == SIZE, "S_FMT made {set:?} of {SIZE:?}");
        Ok(())
    }

    fn allocate(&self, queue: Queue) -> Result<Vec<Plane>> {
        let mut request = RequestBuffers::zeroed();
        request.count = BUFFERS;
        request.kind = queue.kind();
        request.memory = v4l2::MEMORY_MMAP;
        v4l2::REQBUFS
            .call(self.fd.as_raw_fd(), &mut request)
            .context("REQBUFS")?;
        (0..request.count)
            .map(|index| self.plane(queue, index))
            .collect()
    }

    fn plane(&self, queue: Queue, index: u32) -> Result<Plane> {
        let mut buffer = buffer(queue, index);
        v4l2::QUERYBUF
            .call(self.fd.as_raw_fd(), &mut buffer)
            .context("QUERYBUF")?;
        let length = buffer.length as usize;
        let memory = Mapping::at(self.fd.as_raw_fd(), buffer.offset(), length, true)?;
        let dmabuf = (queue == Queue::Capture).then(|| self.export(queue, index));
        Ok(Plane {
            memory,
            length,
            dmabuf: dmabuf.transpose()?,
        })
    }

    fn export(&self, queue: Queue, index: u32) -> Result<OwnedFd> {
        let mut export = ExportBuffer::zeroed();
        export.kind = queue.kind();
        export.index = index;
        export.flags = (libc::O_CLOEXEC | libc::O_RDWR) as u32;
        v4l2::EXPBUF
            .call(self.fd.as_raw_fd(), &mut export)
            .context("EXPBUF")?;
        // SAFETY: the descriptor is fresh and nobody else knows it.
        Ok(unsafe { OwnedFd::from_raw_fd(export.fd) })
    }

    /// Shows a decoder the start of its stream, so that it knows the size of what comes out.
    fn announce(&mut self, first: &[u8]) -> Result<()> {
        let mut subscription = v4l2::EventSubscription::zeroed();
        subscription.kind = v4l2::EVENT_SOURCE_CHANGE;
        let fd = self.fd.as_raw_fd();
        v4l2::SUBSCRIBE_EVENT
            .call(fd, &mut subscription)
            .context("SUBSCRIBE_EVENT")?;
        self.stream(Queue::Output)?;
        self.output[0].memory.store(first);
        self.queue(Queue::Output, 0, first.len())?;
        let ready = file::poll(fd, libc::POLLPRI, SECOND).context("poll")?;
        ensure!(ready != 0, "the decoder does not see its stream");
        v4l2::DQEVENT
            .call(fd, &mut v4l2::Event::zeroed())
            .context("DQEVENT")?;
        let mut format = Format::zeroed();
        format.kind = Queue::Capture.kind();
        v4l2::G_FMT.call(fd, &mut format).context("G_FMT")?;
        let size = (format.width, format.height);
        ensure!(size == SIZE, "the decoder takes the stream for {size:?}");
        Ok(())
    }

    /// The frame that announced the stream goes through the device like any other.
    fn pass_first_frame(&self) -> Result<()> {
        self.queue(Queue::Capture, 0, 0)?;
        file::poll(self.fd.as_raw_fd(), libc::POLLIN, SECOND).context("poll")?;
        for queue in [Queue::Capture, Queue::Output] {
            self.dequeue(queue)?
                .context("the first frame does not come out of the decoder")?;
        }
        Ok(())
    }

    fn stream(&self, queue: Queue) -> Result<()> {
        v4l2::STREAMON
            .call(self.fd.as_raw_fd(), &mut (queue.kind() as libc::c_int))
            .map(drop)
            .context("STREAMON")
    }

    /// Queues a buffer with so many bytes in it.
    pub(crate) fn queue(&self, queue: Queue, index: usize, bytes: usize) -> Result<()> {
        let mut buffer = buffer(queue, index as u32);
        buffer.bytesused = bytes as u32;
        buffer.field = v4l2::FIELD_NONE;
        v4l2::QBUF
            .call(self.fd.as_raw_fd(), &mut buffer)
            .map(drop)
            .context("QBUF")
    }

    /// The next buffer that is done, if there is one.
    pub(crate) fn dequeue(&self, queue: Queue) -> Result<Option<Done>> {
        let mut buffer = buffer(queue, 0);
        match v4l2::DQBUF.call(self.fd.as_raw_fd(), &mut buffer) {
            Ok(_) => Ok(Some(Done {
                index: buffer.index as usize,
                bytes: buffer.bytesused as usize,
                error: buffer.flags & v4l2::BUF_FLAG_ERROR != 0,
            })),
            Err(Errno::EAGAIN) => Ok(None),
            Err(errno) => Err(errno).context("DQBUF"),
        }
    }
}

fn buffer(queue: Queue, index: u32) -> Buffer {
    let mut buffer = Buffer::zeroed();
    buffer.kind = queue.kind();
    buffer.index = index;
    buffer.memory = v4l2::MEMORY_MMAP;
    buffer
}

/// The driver's node.
fn find(driver: Driver) -> Result<CString> {
    let node = Node::of(driver);
    node.find().with_context(|| {
        let (name, module) = (driver.name(), &node.driver);
        format!("there is no video node of {name}: is the module {module} loaded?")
    })
}
