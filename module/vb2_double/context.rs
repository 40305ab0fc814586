// SPDX-License-Identifier: GPL-2.0

//! One open file of the double: its buffers and its jobs.

use crate::{
    clock::{self, Clock, HasClock},
    decoder::{self, Decoder},
    engine::Engine,
    formats::{self, Formats},
    job,
    knobs::{Knob, Knobs, S_KNOB},
    v4l2::{
        self,
        format::{Description, FrameSizes},
        ioctl,
        video_device::PrivateIoctl,
        Event,
        FileHandle,
        Info,
        PixFormat, //
    },
    vb2::{
        self,
        helper,
        queue::{Config, Setup, Stopped},
        ActiveBuffer,
        Buffer,
        Direction,
        Queue, //
    },
    Attach,
    Shared, //
};
use core::mem::offset_of;
use kernel::{
    bindings,
    new_spinlock_irq,
    prelude::*,
    sync::{Arc, SpinLockIrq}, //
};

/// Largest plane that can be allocated: room for the largest frame twice.
const MAX_PLANE: u32 = 32 << 20;
/// Most memory that one REQBUFS or CREATE_BUFS gets.
const MAX_MEMORY: u32 = 64 << 20;

/// What an open file changes while it works.
#[derive(Default)]
pub(crate) struct State {
    /// Current formats.
    pub(crate) formats: Formats,
    /// The stream.
    pub(crate) decoder: Decoder,
    /// How jobs are to go.
    pub(crate) knobs: Knobs,
    /// The hardware.
    pub(crate) engine: Engine,
    /// The next job was aborted before its `device_run` was called.
    pub(crate) aborted: bool,
}

/// One open file.
#[pin_data]
pub(crate) struct Context {
    // Dropped first: its callbacks use the rest.
    #[pin]
    pub(crate) clock: Clock,
    /// Chunks are written with this lock held: whoever has it knows that no store is under way.
    #[pin]
    pub(crate) state: SpinLockIrq<State>,
    pub(crate) queue: Arc<clock::Queue>,
    pub(crate) attach: Attach,
}

/// What the callbacks get.
pub(crate) type Handle = FileHandle<Context>;

// SAFETY: A clock is made in `open` only, as the first field of the context in a pinned file
// handle, and armed in `device_run` at the earliest. Nothing of the file handle before it needs to
// be dropped.
unsafe impl HasClock for Handle {
    const OFFSET: usize = Handle::DATA_OFFSET + offset_of!(Context, clock);

    fn expired(&self) {
        job::look(self, Engine::tick);
    }

    fn work(&self) {
        job::look(self, Engine::work);
    }
}

#[vtable]
impl vb2::queue::Operations for Context {
    type Owner = Handle;

    fn queue_setup(this: &Handle, queue: &Queue, mut setup: Setup<'_>) -> Result {
        let frame = this.state.lock().formats.size(queue.direction()).bytes();
        let size = match setup.asked {
            [] => frame,
            [size] if (frame..=MAX_PLANE).contains(size) => *size,
            _ => return Err(EINVAL),
        };

        *setup.buffers = (*setup.buffers).min(MAX_MEMORY / size);
        setup.sizes.set(&[size]);
        Ok(())
    }

    fn buf_out_validate(_this: &Handle, buffer: &Buffer) -> Result {
        if buffer.field() == bindings::v4l2_field_V4L2_FIELD_ANY {
            buffer.set_field(bindings::v4l2_field_V4L2_FIELD_NONE);
        }
        if buffer.field() != bindings::v4l2_field_V4L2_FIELD_NONE {
            return Err(EINVAL);
        }
        Ok(())
    }

    fn buf_prepare(this: &Handle, buffer: &Buffer) -> Result {
        let frame = this
            .state
            .lock()
            .formats
            .size(buffer.queue().direction())
            .bytes();

        if buffer.plane_size(0) < frame as usize {
            return Err(EINVAL);
        }
        Ok(())
    }

    fn buf_queue(this: &Handle, buffer: ActiveBuffer) {
        let queue = buffer.queue();
        let is_capture = queue.direction() == Direction::Capture;

        if is_capture && queue.is_streaming() && this.m2m().next_dst_is_last() {
            return decoder::end_drain(this, buffer);
        }
        if this.attach == Attach::BufQueue && helper::attach_one(&buffer).is_err() {
            return buffer.done(vb2::State::Error);
        }
        this.m2m().buf_queue(buffer);
    }

    fn start_streaming(this: &Handle, queue: &Queue) {
        decoder::start_streaming(this, queue);
    }

    fn stop_streaming(this: &Handle, queue: Stopped<'_>) {
        // No job runs: mem2mem has waited for it. If one was aborted in vain, that is settled now.
        this.state.lock().aborted = false;
        while let Some(buffer) = this.m2m().take_stopped(&queue) {
            buffer.done(vb2::State::Error);
        }
        decoder::stop_streaming(this, &queue);
    }
}

impl ioctl::Operations for Context {
    const INFO: Info = Info {
        driver: "vb2_double",
        card: "vb2 mem2mem test double",
        bus_info: "platform:vb2_double",
    };

    fn enum_fmt(_this: &Handle, direction: Direction, index: u32) -> Option<Description> {
        formats::describe(direction, index)
    }

    fn enum_framesizes(_this: &Handle, fourcc: u32) -> Option<FrameSizes> {
        formats::sizes_of(fourcc)
    }

    fn g_fmt(this: &Handle, direction: Direction, format: &mut PixFormat<'_>) {
        this.state.lock().formats.get(direction, format);
    }

    fn try_fmt(this: &Handle, direction: Direction, format: &mut PixFormat<'_>) {
        this.state.lock().formats.adjust(direction, format);
    }

    fn s_fmt(this: &Handle, direction: Direction, format: &mut PixFormat<'_>) -> Result {
        if this.m2m().queue(direction).is_busy() {
            return Err(EBUSY);
        }

        let keep_decoded = this.m2m().queue(Direction::Capture).is_busy();
        let mut state = this.state.lock();
        state.formats.adjust(direction, format);
        state.formats.set(direction, format, keep_decoded);
        Ok(())
    }

    fn decoder_cmd(this: &Handle, command: &mut bindings::v4l2_decoder_cmd) -> Result {
        decoder::command(this, command)
    }

    fn has_event(event: Event) -> bool {
        matches!(event, Event::EndOfStream | Event::ResolutionChange)
    }
}

impl PrivateIoctl for Context {
    const CMD: u32 = S_KNOB;
    type Arg = Knob;

    fn ioctl(this: &Handle, knob: Knob) -> Result {
        let mut state = this.state.lock();

        state.knobs.set(knob)?;
        // The gate may have been opened before a writer that waits for it.
        if state.engine.is_running() {
            this.clock.arm(0);
        }
        Ok(())
    }
}

impl v4l2::Driver for Context {
    type Shared = Shared;

    fn open(shared: &Shared) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            clock <- Clock::new::<Handle>(),
            state <- new_spinlock_irq!(State::default()),
            queue: shared.queue.clone(),
            attach: shared.attach,
        })
    }

    fn queue_config(&self, _direction: Direction) -> Config {
        Config {
            release_fences: self.attach != Attach::None,
        }
    }
}
