// SPDX-License-Identifier: GPL-2.0

//! One open file of the double: its buffers and its jobs.

use crate::{
    clock::{self, Clock, HasClock},
    decoder::{self, Decoder},
    engine::{Cause, Ended, Engine, Job, Next},
    formats::{self, Formats},
    knobs::{Knob, Knobs, S_KNOB},
    v4l2::{
        self,
        format::{Description, FrameSizes},
        ioctl,
        mem2mem,
        video_device::PrivateIoctl,
        Event,
        FileHandle,
        Info,
        PixFormat, //
    },
    vb2::{
        self,
        fence::Signalling,
        helper,
        queue::{Config, Setup},
        trace::{self, Phase},
        ActiveBuffer,
        Buffer,
        Direction,
        Queue, //
    },
    writer::{Completion, Plan, Writer},
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

#[cfg(plant = "abort_signals_early")]
use crate::plant::Orphanage;

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
    knobs: Knobs,
    engine: Engine,
    /// The next job was aborted before its `device_run` was called.
    aborted: bool,
}

/// One open file.
#[pin_data]
pub(crate) struct Context {
    // Dropped first: its callbacks use the rest.
    #[pin]
    clock: Clock,
    /// Chunks are written with this lock held: whoever has it knows that no store is under way.
    #[pin]
    pub(crate) state: SpinLockIrq<State>,
    queue: Arc<clock::Queue>,
    attach: Attach,
}

/// What the callbacks get.
pub(crate) type Handle = FileHandle<Context>;

// SAFETY: A clock is made in `open` only, as the first field of the context in a pinned file
// handle, and armed in `device_run` at the earliest. Nothing of the file handle before it needs to
// be dropped.
unsafe impl HasClock for Handle {
    const OFFSET: usize = Handle::DATA_OFFSET + offset_of!(Context, clock);

    fn expired(&self) {
        look(self, Engine::tick);
    }

    fn work(&self) {
        look(self, Engine::work);
    }
}

/// Lets the engine look at its job, and does what follows from it.
fn look(this: &Handle, at: fn(&mut Engine, u64, u32) -> Next) {
    let next = {
        let mut state = this.state.lock();
        let gate = state.knobs.gate();
        let next = at(&mut state.engine, clock::now(), gate);
        this.carry_out(next)
    };

    if let Some(ended) = next {
        finish(this, ended);
    }
}

impl Context {
    /// Does what the engine asks for. Called with the state locked, so that no job ends meanwhile.
    fn carry_out(&self, next: Next) -> Option<Ended> {
        match next {
            Next::Nothing => (),
            Next::At(at) => self.clock.arm(at),
            Next::From(Completion::Timer) => self.clock.arm(0),
            Next::From(Completion::Work) => self.clock.queue_on(&self.queue),
            Next::From(Completion::Inline) => self.clock.ring(),
            Next::End(ended) => return Some(ended),
        }
        None
    }
}

/// Gives the buffers of a job back and lets the next one run. The file handle may be gone after
/// this.
fn finish(this: &Handle, ended: Ended) {
    let m2m = this.m2m();
    let section = Signalling::begin();

    this.clock.disarm();
    if ended.kicked {
        tell_end(this, ended.job);
    }
    let (src, dst, last) = {
        let mut state = this.state.lock();
        let src = m2m.take(Direction::Output);
        let dst = m2m.take(Direction::Capture);
        let last = src.as_ref().is_some_and(|src| m2m.is_last_draining(src));

        if let (Some(src), Some(dst)) = (&src, &dst) {
            src.set_sequence(state.decoder.next_sequence(Direction::Output));
            dst.set_sequence(state.decoder.next_sequence(Direction::Capture));
            src.copy_metadata_to(dst);
        }
        if last {
            m2m.mark_stopped();
        }
        state.engine.rest();
        (src, dst, last)
    };

    if let Some(dst) = dst {
        dst.set_payload(
            0,
            if ended.cause == Cause::Completed {
                ended.bytes
            } else {
                0
            },
        );
        dst.set_last(last);
        dst.done(ended.state());
    }
    if let Some(src) = src {
        src.done(ended.state());
    }
    if last {
        this.send(Event::EndOfStream);
    }
    m2m.job_finish();
    section.end();
}

fn tell_end(this: &Handle, job: u64) {
    // SAFETY: The job has not been finished yet, and this function returns before it is.
    if let Some((src, dst)) = unsafe { this.m2m().job_buffers() } {
        trace::hw_job(&src, job, Phase::End);
        trace::hw_job(&dst, job, Phase::End);
    }
}

/// What `device_run` finds to do.
enum Start {
    Job(Plan),
    ChangeSource(formats::Size),
}

fn start(this: &Handle) -> Start {
    let mut state = this.state.lock();

    if let Some(size) = state.knobs.take_source_change() {
        return Start::ChangeSource(size);
    }
    let aborted = core::mem::take(&mut state.aborted);
    state.engine.begin(aborted);
    Start::Job(state.knobs.next_job())
}

/// Prepares a job and kicks the hardware. After that the file handle may be gone, unless
/// `device_run` polls.
fn prepare_and_kick(this: &Handle, plan: Plan) -> Result<(), Cause> {
    // SAFETY: `device_run` is called for a job that runs. It ends with `finish`, which is called
    // after this has failed, or by the engine, which drops its job before.
    let (src, dst) = unsafe { this.m2m().job_buffers() }.ok_or(Cause::Refused)?;
    let bytes = this.state.lock().formats.size(Direction::Capture).bytes() as usize;

    // The stream may have grown since the buffer was prepared.
    if dst.plane_size(0) < bytes {
        return Err(Cause::Refused);
    }
    // All that may sleep or fail comes before the fences: from then on the job has to end by
    // itself.
    let plane = dst.plane(0).map_err(|_| Cause::Refused)?;
    #[cfg(plant = "abort_signals_early")]
    let orphanage = Orphanage::new(&dst, &this.queue);
    let fences = match this.attach {
        Attach::DeviceRun => Some(helper::attach(&src, &dst).map_err(|_| Cause::Refused)?),
        Attach::BufQueue | Attach::None => None,
    };

    let now = clock::now();
    let job = Job {
        // SAFETY: The engine drops the writer before the buffers are given back.
        writer: unsafe { Writer::new(&plan, plane, bytes, now) },
        src,
        dst,
        plan,
        bytes,
        deadline: now.saturating_add(plan.watchdog),
        #[cfg(plant = "abort_signals_early")]
        orphanage,
    };
    let kicked = kick(this, job);
    if let Some(fences) = fences {
        fences.kicked();
    }
    kicked
}

fn kick(this: &Handle, job: Job) -> Result<(), Cause> {
    let mut state = this.state.lock();
    let first = job.writer.due().min(job.deadline);

    state.engine.kick(job)?;
    this.clock.arm(first);
    Ok(())
}

/// Drives a job from `device_run` until it ends.
fn poll(this: &Handle) {
    loop {
        let ended = {
            let mut state = this.state.lock();
            let gate = state.knobs.gate();
            let next = state.engine.poll(clock::now(), gate);
            this.carry_out(next)
        };

        match ended {
            Some(ended) => return finish(this, ended),
            None => this.clock.wait(),
        }
    }
}

impl mem2mem::Operations for Context {
    fn device_run(this: &Handle) {
        let plan = match start(this) {
            Start::Job(plan) => plan,
            Start::ChangeSource(size) => {
                decoder::change_source(this, size);
                return this.m2m().job_finish();
            }
        };

        match prepare_and_kick(this, plan) {
            Ok(()) if plan.completion == Completion::Inline => poll(this),
            Ok(()) => (),
            Err(cause) => {
                let ended = this.state.lock().engine.refuse(plan.job, cause);
                finish(this, ended);
            }
        }
    }

    fn job_ready(this: &Handle) -> bool {
        let change = {
            let mut state = this.state.lock();
            if state.decoder.is_waiting() {
                return false;
            }
            state.knobs.take_source_change()
        };

        if let Some(size) = change {
            decoder::change_source(this, size);
        }
        change.is_none()
    }

    fn job_abort(this: &Handle) {
        let ended = {
            let mut state = this.state.lock();
            match state.engine.abort() {
                Ok(next) => this.carry_out(next),
                Err(_) => {
                    state.aborted = true;
                    None
                }
            }
        };

        if let Some(ended) = ended {
            finish(this, ended);
        }
    }
}

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

    fn stop_streaming(this: &Handle, queue: &Queue) {
        // No job runs: mem2mem has waited for it. If one was aborted in vain, that is settled now.
        this.state.lock().aborted = false;
        while let Some(buffer) = this.m2m().take(queue.direction()) {
            buffer.done(vb2::State::Error);
        }
        decoder::stop_streaming(this, queue);
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
