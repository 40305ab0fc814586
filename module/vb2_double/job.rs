// SPDX-License-Identifier: GPL-2.0

//! The life of a job: prepared, kicked, and given back.

use crate::{
    clock,
    context::{Context, Handle},
    decoder,
    engine::{Cause, Ended, Engine, Job, Next},
    formats,
    v4l2::{mem2mem, Event},
    vb2::{
        fence::Signalling,
        helper,
        trace::{self, Phase},
        Direction, //
    },
    writer::{Completion, Plan, Writer},
    Attach, //
};

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
