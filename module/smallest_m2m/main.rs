// SPDX-License-Identifier: GPL-2.0

//! The smallest mem2mem driver: copies each OUTPUT frame into a CAPTURE buffer, with the CPU.
//!
//! `module/v4l2/README.md` goes through it step by step.

#[path = "../v4l2/mod.rs"]
mod v4l2;
#[path = "../vb2/mod.rs"]
mod vb2;

use kernel::{device::Bound, faux, new_mutex, prelude::*, sync::Mutex};
use v4l2::format::{Colorimetry, Description, Plane};
use v4l2::{ioctl, mem2mem, Codec, FileHandle, Info, PixFormat, Registration};
use vb2::queue::{Config, Setup, Stopped};
use vb2::{helper, ActiveBuffer, Buffer, Direction, Layout, Memory, Queue, State};

module! {
    type: SmallestM2m,
    name: "smallest_m2m",
    authors: ["The vb2-fence-lab authors"],
    description: "The smallest mem2mem driver",
    license: "GPL",
    imports_ns: ["DMA_BUF"],
}

static INFO: Info = Info {
    name: c"smallest_m2m",
    driver: "smallest_m2m",
    card: "smallest mem2mem driver",
    bus_info: "platform:smallest_m2m",
    layout: Layout::Single,
    codec: Codec::None,
    requests: false,
};

const GREY: u32 = u32::from_le_bytes(*b"GREY");
const SIDE: u32 = 64;
const BYTES: u32 = SIDE * SIDE;

/// An open file: what its frames look like, and how many there were.
#[pin_data]
struct Context {
    #[pin]
    stream: Mutex<(Colorimetry, u32)>,
}

type Handle = FileHandle<Context>;

#[vtable]
impl mem2mem::Operations for Context {
    fn device_run(this: &Handle, job: mem2mem::Job) {
        let state = copy(this, &job).map_or(State::Error, |()| State::Done);
        job.give_back_and_finish(state);
    }
}

fn copy(this: &Handle, job: &mem2mem::Job) -> Result {
    let (src, dst) = (job.src().ok_or(EINVAL)?, job.dst().ok_or(EINVAL)?);
    let (from, to) = (src.plane(0)?, dst.plane(0)?);

    this.label(src, dst);
    let fences = helper::attach_if_there([Some(src), Some(dst)])?;
    // SAFETY: Both buffers are active until their job is finished.
    unsafe { to.copy_from(&from) };
    if let Some(fences) = fences {
        fences.kicked();
    }
    Ok(())
}

impl Context {
    /// Numbers the frame, and says how much of it there is.
    fn label(&self, src: &Buffer, dst: &Buffer) {
        let mut stream = self.stream.lock();

        for buffer in [src, dst] {
            buffer.set_sequence(stream.1);
        }
        stream.1 += 1;
        src.copy_metadata_to(dst);
        dst.set_payload(0, BYTES as usize);
    }
}

#[vtable]
impl vb2::queue::Operations for Context {
    type Owner = Handle;

    fn queue_setup(_this: &Handle, _queue: &Queue, mut setup: Setup<'_>) -> Result {
        match setup.asked {
            [] => setup.sizes.set(&[BYTES]),
            [bytes] if *bytes >= BYTES => setup.sizes.set(&[*bytes]),
            _ => return Err(EINVAL),
        }
        Ok(())
    }

    fn buf_prepare(_this: &Handle, buffer: &Buffer) -> Result {
        buffer
            .has_room([BYTES as usize])
            .then_some(())
            .ok_or(EINVAL)
    }

    fn buf_queue(this: &Handle, buffer: ActiveBuffer) {
        this.m2m().buf_queue(buffer);
    }

    fn start_streaming(this: &Handle, _queue: &Queue) {
        this.stream.lock().1 = 0;
    }

    fn stop_streaming(this: &Handle, queue: Stopped<'_>) {
        while let Some(buffer) = this.m2m().take_stopped(&queue) {
            buffer.done(State::Error);
        }
    }
}

fn describe(format: &mut PixFormat<'_>, colors: Colorimetry) {
    let plane = Plane {
        bytesperline: SIDE,
        sizeimage: BYTES,
    };
    format.set(GREY, (SIDE, SIDE), &[plane]);
    format.set_colorimetry(colors);
}

#[vtable]
impl ioctl::Operations for Context {
    fn enum_fmt(_this: &Handle, _direction: Direction, index: u32) -> Option<Description> {
        (index == 0).then_some(Description {
            fourcc: GREY,
            name: None,
            flags: 0,
        })
    }

    fn g_fmt(this: &Handle, _direction: Direction, format: &mut PixFormat<'_>) {
        describe(format, this.stream.lock().0);
    }

    fn try_fmt(this: &Handle, direction: Direction, format: &mut PixFormat<'_>) {
        let colors = match direction {
            Direction::Output => format.colorimetry().or_rec709(),
            Direction::Capture => this.stream.lock().0,
        };
        describe(format, colors);
    }

    fn s_fmt(this: &Handle, direction: Direction, format: &mut PixFormat<'_>) -> Result {
        if this.m2m().queue(direction).is_busy() {
            return Err(EBUSY);
        }
        Self::try_fmt(this, direction, format);
        this.stream.lock().0 = format.colorimetry();
        Ok(())
    }
}

#[vtable]
impl v4l2::Driver for Context {
    type Shared = ();

    fn open(_shared: &()) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            stream <- new_mutex!((Colorimetry::REC709, 0)),
        })
    }

    fn queue_config(&self, _direction: Direction) -> Config {
        Config {
            release_fences: true,
            memory: Memory::Vmalloc,
            hold_capture: false,
        }
    }
}

/// The loaded module. The video device goes before its parent.
struct SmallestM2m {
    _video: Registration<Context>,
    _parent: faux::Registration,
}

impl kernel::Module for SmallestM2m {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let parent = faux::Registration::new(INFO.name, None)?;
        let device: &faux::Device<Bound> = parent.as_ref();
        Ok(Self {
            // SAFETY: The fields are dropped in their order: the parent stays bound longer.
            _video: unsafe { Registration::new(device.as_ref(), &INFO, ()) }?,
            _parent: parent,
        })
    }
}
