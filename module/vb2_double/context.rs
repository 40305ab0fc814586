// SPDX-License-Identifier: GPL-2.0

//! One open file of the double: its buffers and its jobs.

use crate::{
    clock::{self, Clock, HasClock},
    control::{self, Suspenders},
    controls,
    decoder::{self, Decoder},
    drain,
    encoder::{self, Encoder},
    engine::Engine,
    finish::From,
    formats::{Formats, PerPlane},
    job,
    knobs::Knobs,
    pixels,
    stats::Stats,
    v4l2::{
        self,
        ctrl,
        format::{Description, Fraction, FrameIntervals, FrameSizes, Rect},
        ioctl,
        mem2mem,
        Codec,
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
        Memory,
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
    sync::{Arc, SpinLockIrq},
    uaccess::UserPtr, //
};

/// Most memory that one REQBUFS or CREATE_BUFS gets.
const MAX_MEMORY: u32 = 64 << 20;

/// What an open file changes while it works.
pub(crate) struct State {
    /// Current formats.
    pub(crate) formats: Formats,
    /// The stream.
    pub(crate) decoder: Decoder,
    /// What an encoder was told.
    pub(crate) encoder: Encoder,
    /// How jobs are to go.
    pub(crate) knobs: Knobs,
    /// The hardware.
    pub(crate) engine: Engine,
    /// The next job was aborted before its `device_run` was called.
    pub(crate) aborted: bool,
    /// A pipelined job has ended, and the next may be asked for.
    pub(crate) asks_for_job: bool,
    /// This file has suspended the video device.
    pub(crate) suspended: bool,
    /// What is counted.
    pub(crate) stats: Stats,
}

impl State {
    fn new(node: &'static Info) -> Self {
        Self {
            formats: Formats::new(node),
            decoder: Decoder::default(),
            encoder: Encoder::default(),
            knobs: Knobs::default(),
            engine: Engine::default(),
            aborted: false,
            asks_for_job: false,
            suspended: false,
            stats: Stats::default(),
        }
    }

    /// Bytes that the next job writes to each plane.
    pub(crate) fn payload(&self, node: &Info) -> PerPlane<usize> {
        let mut bytes = self.formats.frame(Direction::Capture).bytes();

        if node.codec == Codec::Encoder {
            bytes[0] = self.encoder.frame_bytes(bytes[0], self.formats.cropped());
        }
        bytes.map(|bytes| bytes as usize)
    }
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
    /// Held while a drain begins, and from the question whether a job is a drain's last until its
    /// buffers are off their ready lists. Is taken before the state's.
    #[pin]
    pub(crate) drain: SpinLockIrq<()>,
    pub(crate) queue: Arc<clock::Queue>,
    pub(crate) suspenders: Arc<Suspenders>,
    pub(crate) attach: Attach,
    /// The video device that it is a file of.
    pub(crate) node: &'static Info,
    memory: Memory,
}

impl Context {
    /// Whether jobs may be pipelined: not where a drain needs the last frame on its ready list.
    pub(crate) fn can_pipeline(&self) -> bool {
        self.node.codec == Codec::None
    }

    /// Whether CAPTURE buffers may be held: slices are a matter of devices that have no stream.
    pub(crate) fn can_hold(&self) -> bool {
        self.node.codec == Codec::None
    }

    /// What was counted so far.
    pub(crate) fn stats(&self) -> Stats {
        let state = self.state.lock();

        Stats {
            late: state.engine.late_count(),
            ..state.stats
        }
    }

    /// Counts the CAPTURE buffers that mem2mem gives back by itself in a step of a drain.
    pub(crate) fn counting_last<R>(&self, m2m: &mem2mem::Context, step: impl FnOnce() -> R) -> R {
        let before = m2m.num_ready(Direction::Capture);
        let result = step();
        let given = before.saturating_sub(m2m.num_ready(Direction::Capture));

        self.state.lock().stats.done_capture += u64::from(given);
        result
    }

    /// Counts a buffer that is about to be given back.
    pub(crate) fn counts_given(&self, buffer: &Buffer, in_state: vb2::State) {
        let given = core::iter::once(buffer);

        self.state.lock().stats.give(given, in_state);
    }
}

/// What the callbacks get.
pub(crate) type Handle = FileHandle<Context>;

// SAFETY: A clock is made in `open` only, as the first field of the context in a pinned file
// handle, and armed in `device_run` at the earliest. Nothing of the file handle before it needs to
// be dropped.
unsafe impl HasClock for Handle {
    const OFFSET: usize = Handle::DATA_OFFSET + offset_of!(Context, clock);

    fn expired(&self) {
        job::look(self, From::Interrupt, Engine::tick);
    }

    fn work(&self) {
        job::look(self, From::Work, Engine::work);
        if core::mem::take(&mut self.state.lock().asks_for_job) {
            self.m2m().try_schedule();
        }
    }
}

#[vtable]
impl vb2::queue::Operations for Context {
    type Owner = Handle;

    fn queue_setup(this: &Handle, queue: &Queue, mut setup: Setup<'_>) -> Result {
        let frame = *this.state.lock().formats.frame(queue.direction());
        let bytes = frame.bytes();
        let sizes = match setup.asked {
            [] => &bytes[..frame.planes()],
            asked if frame.fits(asked) => asked,
            _ => return Err(EINVAL),
        };

        *setup.buffers = (*setup.buffers).min(MAX_MEMORY / sizes.iter().sum::<u32>());
        setup.sizes.set(sizes);
        Ok(())
    }

    fn buf_request_complete(this: &Handle, buffer: &Buffer) {
        this.complete_request(buffer);
    }

    fn buf_prepare(this: &Handle, buffer: &Buffer) -> Result {
        let bytes = this
            .state
            .lock()
            .formats
            .frame(buffer.queue().direction())
            .bytes();

        if buffer.has_room(bytes.map(|bytes| bytes as usize)) {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }

    fn buf_queue(this: &Handle, buffer: ActiveBuffer) {
        let queue = buffer.queue();
        let is_capture = queue.direction() == Direction::Capture;

        this.state.lock().stats.queue(queue.direction());
        if is_capture && queue.is_streaming() && this.m2m().next_dst_is_last() {
            return drain::end(this, buffer);
        }
        if this.attach == Attach::BufQueue {
            if helper::attach_one(&buffer).is_err() {
                // It gets no job, which would complete the controls in its request.
                this.complete_request(&buffer);
                this.counts_given(&buffer, vb2::State::Error);
                return buffer.done(vb2::State::Error);
            }
            this.state.lock().stats.fences += u64::from(helper::is_attached(&buffer));
        }
        let is_streaming = queue.is_streaming();
        this.m2m().buf_queue(buffer);
        if !is_capture && is_streaming {
            decoder::tell_source(this);
        }
    }

    fn start_streaming(this: &Handle, queue: &Queue) {
        decoder::start_streaming(this, queue);
    }

    fn stop_streaming(this: &Handle, queue: Stopped<'_>) {
        // mem2mem has waited for its job, so that no other is left than a pipelined one. If one was
        // aborted in vain, that is settled now.
        job::end_pipeline(this);
        let mut begun = {
            let mut state = this.state.lock();
            state.aborted = false;
            queue.direction() == Direction::Output && state.knobs.drop_source()
        };
        while let Some(buffer) = this.m2m().take_stopped(&queue) {
            // The first job of the first buffer has taken the values of its request already.
            if !core::mem::take(&mut begun) {
                this.complete_request(&buffer);
            }
            this.counts_given(&buffer, vb2::State::Error);
            buffer.done(vb2::State::Error);
        }
        decoder::stop_streaming(this, &queue);
    }
}

#[vtable]
impl ioctl::Operations for Context {
    fn enum_fmt(this: &Handle, direction: Direction, index: u32) -> Option<Description> {
        pixels::describe(this.node, direction, index)
    }

    fn enum_framesizes(this: &Handle, fourcc: u32) -> Option<FrameSizes> {
        pixels::sizes_of(this.node, fourcc)
    }

    fn enum_frameintervals(
        this: &Handle,
        fourcc: u32,
        (width, height): (u32, u32),
    ) -> Option<FrameIntervals> {
        pixels::sizes_of(this.node, fourcc)
            .filter(|sizes| sizes.contain(width) && sizes.contain(height))
            .map(|_| encoder::INTERVALS)
    }

    fn g_parm(this: &Handle, direction: Direction) -> Result<Fraction> {
        match direction {
            Direction::Output => Ok(this.state.lock().encoder.interval()),
            Direction::Capture => Err(EINVAL),
        }
    }

    fn s_parm(this: &Handle, direction: Direction, interval: Fraction) -> Result<Fraction> {
        match direction {
            Direction::Output => Ok(this.state.lock().encoder.set_interval(interval)),
            Direction::Capture => Err(EINVAL),
        }
    }

    fn g_selection(this: &Handle, direction: Direction, target: u32) -> Option<Rect> {
        this.state.lock().formats.selection(direction, target)
    }

    fn s_selection(this: &Handle, direction: Direction, target: u32, rect: Rect) -> Result<Rect> {
        let mut state = this.state.lock();

        state.formats.select(direction, target, rect).ok_or(EINVAL)
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

        let keep_capture = this.m2m().queue(Direction::Capture).is_busy();
        let mut state = this.state.lock();
        state.formats.adjust(direction, format);
        state.formats.set(direction, format, keep_capture);
        Ok(())
    }

    fn decoder_cmd(this: &Handle, command: &mut bindings::v4l2_decoder_cmd) -> Result {
        decoder::command(this, command)
    }

    fn encoder_cmd(this: &Handle, command: &mut bindings::v4l2_encoder_cmd) -> Result {
        encoder::command(this, command)
    }

    fn has_event(this: &Handle, event: Event) -> bool {
        match event {
            Event::Control => true,
            Event::EndOfStream => this.node.codec != Codec::None,
            Event::ResolutionChange => this.node.codec == Codec::Decoder,
        }
    }
}

#[vtable]
impl v4l2::Driver for Context {
    type Shared = Shared;

    fn open(shared: &Shared) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            clock <- Clock::new::<Handle>(),
            state <- new_spinlock_irq!(State::new(shared.node)),
            drain <- new_spinlock_irq!(()),
            queue: shared.queue.clone(),
            suspenders: shared.suspenders.clone(),
            attach: shared.attach,
            node: shared.node,
            memory: shared.memory,
        })
    }

    fn closing(this: &Handle) {
        control::closing(this);
    }

    fn queue_config(&self, direction: Direction) -> Config {
        Config {
            release_fences: self.attach != Attach::None,
            memory: self.memory,
            hold_capture: self.can_hold() && direction == Direction::Output,
        }
    }

    fn ioctl(this: &Handle, cmd: u32, arg: UserPtr) -> Option<Result> {
        control::ioctl(this, cmd, arg)
    }

    fn controls(shared: &Shared, controls: &mut ctrl::Setup<'_, Self>) {
        controls::add(shared.node, controls);
    }

    fn s_ctrl(this: &Handle, id: u32, value: i32) -> Result {
        controls::set(this, id, value);
        Ok(())
    }
}
