// SPDX-License-Identifier: GPL-2.0

//! The life of a job until it is kicked: prepared, armed, driven.

use crate::{
    clock::{self, Clock},
    context::{Context, Handle, State},
    decoder,
    engine::{Buffers, Cause, Ended, Engine, Job, Next},
    finish::{self, From},
    formats::{self, PerPlane},
    v4l2::mem2mem,
    vb2::{
        buffer::Plane,
        helper,
        Buffer,
        Direction, //
    },
    writer::{Completion, Plan, Writer},
    Attach, //
};

use kernel::prelude::vtable;

#[cfg(orphans)]
use crate::plant::Orphanage;

/// Lets the engine look at its job, and does what follows from it.
pub(crate) fn look(this: &Handle, from: From, at: fn(&mut Engine, u64, u32) -> Next) {
    let next = {
        let mut state = this.state.lock();
        let gate = state.knobs.gate();
        let next = at(&mut state.engine, clock::now(), gate);
        this.carry_out(&state.engine, next)
    };

    if let Some(ended) = next {
        finish::finish(this, ended, from);
    }
}

impl Context {
    /// Does what the engine asks for. Called with the state locked, so that no job ends meanwhile.
    fn carry_out(&self, engine: &Engine, next: Next) -> Option<Ended> {
        match next {
            Next::Nothing => (),
            Next::At(at) => self.clock.arm(engine.next_look(at)),
            Next::From(Completion::Work) => self.clock.queue_on(&self.queue),
            Next::From(Completion::Inline) => self.clock.ring(),
            Next::From(_) => self.clock.arm(0),
            Next::End(ended) => return Some(ended),
        }
        None
    }

    /// The running job, or the one that is about to, shall end soon.
    fn abort(&self) -> Option<Ended> {
        let mut state = self.state.lock();
        let waits = state.knobs.abort_waits();

        match state.engine.abort(waits) {
            Ok(next) => self.carry_out(&state.engine, next),
            Err(_) => {
                state.aborted = !waits;
                None
            }
        }
    }
}

/// Planted bug: the stream changes, and what is armed is given back.
#[cfg(plant = "change_flushes_armed")]
pub(crate) fn flush(this: &Handle) {
    let ended = {
        let mut state = this.state.lock();
        let next = state.engine.flush();
        this.carry_out(&state.engine, next)
    };

    if let Some(ended) = ended {
        finish::finish(this, ended, From::Abort);
    }
}

/// Ends a pipelined job, of which mem2mem knows nothing, and waits for its end. Sleeps.
pub(crate) fn end_pipeline(this: &Handle) {
    while !this.state.lock().engine.is_idle() {
        match this.abort() {
            Some(ended) => finish::finish(this, ended, From::Abort),
            None => this.clock.wait(),
        }
    }
    // It may be about to ask for the next job.
    this.clock.cancel_work();
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
    state.stats.begun += 1;
    Start::Job(state.knobs.next_job())
}

/// The planes of a CAPTURE buffer that a job writes to.
fn planes(dst: &Buffer, bytes: PerPlane<usize>) -> Option<PerPlane<Option<Plane>>> {
    let mut planes = PerPlane::default();

    // The stream may have grown since the buffer was prepared.
    if !dst.has_room(bytes) {
        return None;
    }
    for (index, plane) in (0..dst.planes()).zip(&mut planes) {
        *plane = Some(dst.plane(index).ok()?);
    }
    Some(planes)
}

/// A job whose hardware only has to be kicked.
struct Prepared {
    planes: PerPlane<Option<Plane>>,
    bytes: PerPlane<usize>,
    attached: Option<helper::Attached>,
    #[cfg(orphans)]
    orphanage: Option<Orphanage>,
}

/// Does all that may sleep or fail, and attaches the fences last: from then on the job has to end
/// by itself.
fn prepare(this: &Handle, buffers: &Buffers, plan: &Plan) -> Result<Prepared, Cause> {
    let (Some(src), Some(dst)) = (buffers.src(), buffers.dst()) else {
        return Err(Cause::Refused);
    };
    if plan.first_frame {
        this.apply_request(src);
    }
    let bytes = this.state.lock().payload(this.node);

    Ok(Prepared {
        planes: planes(dst, bytes).ok_or(Cause::Refused)?,
        bytes,
        #[cfg(orphans)]
        orphanage: Orphanage::new(dst, &this.queue),
        attached: attach(this, buffers)?,
    })
}

/// Attaches fences to the buffers that the job gives back.
fn attach(this: &Handle, buffers: &Buffers) -> Result<Option<helper::Attached>, Cause> {
    if this.attach != Attach::DeviceRun {
        return Ok(None);
    }

    let given = buffers.given();
    let attached = helper::attach(given).map_err(|_| Cause::Refused)?;
    let fenced = given.into_iter().flatten();
    this.state.lock().stats.fences += fenced.filter(|b| helper::is_attached(b)).count() as u64;
    Ok(Some(attached))
}

/// Kicks the hardware. After that the file handle may be gone, unless `device_run` polls or is
/// left to end the job for mem2mem.
fn kick(
    this: &Handle,
    buffers: Buffers,
    plan: Plan,
    prepared: Prepared,
) -> Result<Option<mem2mem::Job>, Ended> {
    let now = clock::now();
    let job = Job {
        // SAFETY: The engine drops the writer before the buffers are given back.
        writer: unsafe { Writer::new(&plan, prepared.planes, prepared.bytes, now) },
        buffers,
        plan,
        bytes: prepared.bytes,
        deadline: now.saturating_add(plan.watchdog),
        #[cfg(orphans)]
        orphanage: prepared.orphanage,
    };
    let kicked = kick_engine(&this.clock, &mut this.state.lock(), job);

    if let Some(attached) = prepared.attached {
        attached.kicked();
    }
    kicked
}

/// With the state locked, so that the job does not end meanwhile.
fn kick_engine(clock: &Clock, state: &mut State, job: Job) -> Result<Option<mem2mem::Job>, Ended> {
    let State {
        engine, decoder, ..
    } = state;
    let first = job.writer.due().min(job.deadline);

    engine.kick(job)?;
    let m2m = engine.take_over(|plan, src, dst| finish::label(decoder, plan, src, dst));
    clock.arm(engine.next_look(first));
    Ok(m2m)
}

fn run(this: &Handle, m2m: mem2mem::Job, plan: Plan) {
    let buffers = Buffers::new(m2m, &plan);
    let kicked = match prepare(this, &buffers, &plan) {
        Ok(prepared) => kick(this, buffers, plan, prepared),
        Err(cause) => Err(this.state.lock().engine.refuse(buffers, plan, cause)),
    };

    match kicked {
        Ok(Some(m2m)) => m2m.finish(),
        Ok(None) if plan.completion == Completion::Inline => poll(this),
        Ok(None) => (),
        Err(ended) => finish::finish(this, ended, From::DeviceRun),
    }
}

/// Drives a job from `device_run` until it ends.
fn poll(this: &Handle) {
    loop {
        let ended = {
            let mut state = this.state.lock();
            let gate = state.knobs.gate();
            let next = state.engine.poll(clock::now(), gate);
            this.carry_out(&state.engine, next)
        };

        match ended {
            Some(ended) => return finish::finish(this, ended, From::DeviceRun),
            None => this.clock.wait(),
        }
    }
}

#[vtable]
impl mem2mem::Operations for Context {
    fn device_run(this: &Handle, mut job: mem2mem::Job) {
        match start(this) {
            Start::Job(plan) => run(this, job, plan),
            Start::ChangeSource(size) => {
                decoder::change_source(this, size, job.take(Direction::Capture));
                job.finish();
            }
        }
    }

    fn job_ready(this: &Handle, mut idle: mem2mem::Idle<'_>) -> bool {
        let change = {
            let mut state = this.state.lock();
            // A pipelined job is under way, or somebody wants none.
            if !state.engine.is_idle() || state.knobs.not_ready() || state.decoder.is_waiting() {
                return false;
            }
            state.knobs.take_source_change()
        };

        if let Some(size) = change {
            decoder::change_source(this, size, idle.take(Direction::Capture));
        }
        change.is_none()
    }

    fn job_abort(this: &Handle) {
        if let Some(ended) = this.abort() {
            finish::finish(this, ended, From::Abort);
        }
    }
}
