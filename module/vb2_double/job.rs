// SPDX-License-Identifier: GPL-2.0

//! The life of a job: prepared, kicked, and given back.

use crate::{
    clock,
    context::{Context, Handle},
    decoder,
    engine::{self, Cause, Ended, Engine, Job, Next},
    formats::{self, PerPlane},
    v4l2::{mem2mem, Event},
    vb2::{
        buffer::Plane,
        fence::Signalling,
        helper,
        trace::Phase,
        Direction, //
    },
    writer::{Completion, Plan, Writer},
    Attach, //
};
use kernel::prelude::vtable;

#[cfg(plant = "abort_signals_early")]
use crate::plant::Orphanage;

/// Lets the engine look at its job, and does what follows from it.
pub(crate) fn look(this: &Handle, at: fn(&mut Engine, u64, u32) -> Next) {
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
fn finish(this: &Handle, mut ended: Ended) {
    let m2m = this.m2m();
    let section = Signalling::begin();

    this.clock.disarm();
    if ended.kicked {
        engine::tell(&ended.m2m, ended.job, Phase::End);
    }
    let (src, dst, last) = {
        let mut state = this.state.lock();
        let src = ended.m2m.take(Direction::Output);
        let dst = ended.m2m.take(Direction::Capture);
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
        for (plane, bytes) in (0..dst.planes()).zip(ended.bytes) {
            dst.set_payload(plane, bytes);
        }
        dst.set_last(last);
        dst.done(ended.state());
    }
    if let Some(src) = src {
        src.done(ended.state());
    }
    if last {
        this.send(Event::EndOfStream);
    }
    ended.m2m.finish();
    section.end();
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

/// A job whose hardware only has to be kicked.
struct Prepared {
    plane: Plane,
    bytes: PerPlane<usize>,
    fences: Option<helper::Attached>,
    #[cfg(plant = "abort_signals_early")]
    orphanage: Option<Orphanage>,
}

/// Does all that may sleep or fail, and attaches the fences last: from then on the job has to end
/// by itself.
fn prepare(this: &Handle, m2m: &mem2mem::Job) -> Result<Prepared, Cause> {
    let (Some(src), Some(dst)) = (m2m.src(), m2m.dst()) else {
        return Err(Cause::Refused);
    };
    this.apply_request(src);
    let bytes = this.state.lock().payload(this.node);

    // The stream may have grown since the buffer was prepared.
    if !dst.has_room(bytes) {
        return Err(Cause::Refused);
    }
    Ok(Prepared {
        bytes,
        plane: dst.plane(0).map_err(|_| Cause::Refused)?,
        #[cfg(plant = "abort_signals_early")]
        orphanage: Orphanage::new(dst, &this.queue),
        fences: match this.attach {
            Attach::DeviceRun => Some(helper::attach(src, dst).map_err(|_| Cause::Refused)?),
            Attach::BufQueue | Attach::None => None,
        },
    })
}

/// Kicks the hardware. After that the file handle may be gone, unless `device_run` polls.
fn kick(this: &Handle, m2m: mem2mem::Job, plan: Plan, prepared: Prepared) -> Result<(), Ended> {
    let now = clock::now();
    let job = Job {
        // SAFETY: The engine drops the writer before the buffers are given back.
        writer: unsafe { Writer::new(&plan, prepared.plane, prepared.bytes[0], now) },
        m2m,
        plan,
        bytes: prepared.bytes,
        deadline: now.saturating_add(plan.watchdog),
        #[cfg(plant = "abort_signals_early")]
        orphanage: prepared.orphanage,
    };
    let first = job.writer.due().min(job.deadline);
    let kicked = {
        let mut state = this.state.lock();
        state.engine.kick(job).inspect(|()| this.clock.arm(first))
    };

    if let Some(fences) = prepared.fences {
        fences.kicked();
    }
    kicked
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

#[vtable]
impl mem2mem::Operations for Context {
    fn device_run(this: &Handle, mut m2m: mem2mem::Job) {
        let plan = match start(this) {
            Start::Job(plan) => plan,
            Start::ChangeSource(size) => {
                decoder::change_source(this, size, m2m.take(Direction::Capture));
                return m2m.finish();
            }
        };

        let kicked = match prepare(this, &m2m) {
            Ok(prepared) => kick(this, m2m, plan, prepared),
            Err(cause) => Err(this.state.lock().engine.refuse(m2m, plan.job, cause)),
        };
        match kicked {
            Ok(()) if plan.completion == Completion::Inline => poll(this),
            Ok(()) => (),
            Err(ended) => finish(this, ended),
        }
    }

    fn job_ready(this: &Handle, mut idle: mem2mem::Idle<'_>) -> bool {
        let change = {
            let mut state = this.state.lock();
            if state.decoder.is_waiting() {
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
