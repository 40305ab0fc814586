// SPDX-License-Identifier: GPL-2.0

//! The end of a job: its buffers are given back, in one of three ways.

use crate::{
    context::Handle,
    decoder::Decoder,
    engine::{Cause, Ended, Hold, Outcome},
    v4l2::{mem2mem, Event},
    vb2::{
        fence::Signalling,
        trace::Phase,
        ActiveBuffer,
        Buffer,
        Direction, //
    },
    writer::{Completion, Plan},
};

/// From where a job is ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The timer's callback.
    Interrupt,
    /// The work item.
    Work,
    /// `device_run`, which polls or cannot start the job.
    DeviceRun,
    /// STREAMOFF or close.
    Abort,
}

/// Gives the buffers of a job back and lets the next one run. The file handle may be gone after
/// this.
pub(crate) fn finish(this: &Handle, ended: Ended, from: From) {
    let Ended { outcome, buffers } = ended;
    let section = Signalling::begin();

    if outcome.kicked {
        buffers.tell(outcome.plan.job, Phase::End);
    }
    settle(this, &outcome, from);
    match buffers.hold {
        Hold::Taken { src, dst } => give_taken(this, src, dst, &outcome),
        Hold::Listed(job) if ends_under_job_lock(this, &outcome) => {
            give_under_job_lock(this, job, &outcome)
        }
        Hold::Listed(job) => give(this, job, &outcome),
    }
    section.end();
}

/// Counts the job, and looks to the timer: all that is left to wait for is an interrupt that comes
/// too late.
fn settle(this: &Handle, outcome: &Outcome, from: From) {
    let mut state = this.state.lock();

    state.stats.count(outcome.cause, from);
    match state.engine.next_look_at_rest() {
        Some(at) => this.clock.arm(at),
        None => this.clock.disarm(),
    }
}

/// Whether mem2mem gives the buffers back and ends the job in one step. Where CAPTURE buffers may
/// be held there is no other way, else there must be two buffers to give back.
fn ends_under_job_lock(this: &Handle, outcome: &Outcome) -> bool {
    this.m2m().queue(Direction::Output).may_hold_capture()
        || (outcome.plan.completion == Completion::Locked
            && outcome.plan.last_frame
            && outcome.kicked)
}

/// Numbers the buffers of a job, and copies what goes from OUTPUT to CAPTURE.
pub(crate) fn label(decoder: &mut Decoder, plan: &Plan, src: &Buffer, dst: &Buffer) {
    if plan.last_frame {
        src.set_sequence(decoder.next_sequence(Direction::Output));
    }
    // What several slices make is one frame.
    if !dst.is_held() {
        dst.set_sequence(decoder.next_sequence(Direction::Capture));
    }
    src.copy_metadata_to(dst);
}

/// Labels the first buffers of the ready lists. True if they are the last ones of a drain; the
/// caller keeps a drain from beginning until they are off those lists.
fn label_first(this: &Handle, job: &mem2mem::Job, plan: &Plan) -> bool {
    let (Some(src), Some(dst)) = (job.src(), job.dst()) else {
        return false;
    };

    label(&mut this.state.lock().decoder, plan, src, dst);
    plan.last_frame && this.m2m().is_last_draining(src)
}

/// Says how much the job wrote.
fn fill(outcome: &Outcome, dst: &Buffer, last: bool) {
    let completed = outcome.cause == Cause::Completed;

    for (plane, bytes) in (0..dst.planes()).zip(outcome.bytes) {
        dst.set_payload(plane, if completed { bytes } else { 0 });
    }
    dst.set_last(last);
}

/// Gives buffers back that are on no ready list.
fn done(src: Option<ActiveBuffer>, dst: Option<ActiveBuffer>, outcome: &Outcome, last: bool) {
    if let Some(dst) = dst {
        fill(outcome, &dst, last);
        dst.done(outcome.state());
    }
    if let Some(src) = src {
        src.done(outcome.state());
    }
}

/// Takes the buffers off their ready lists and gives them back, then ends the job.
fn give(this: &Handle, mut job: mem2mem::Job, outcome: &Outcome) {
    let m2m = this.m2m();
    let (src, dst, last) = {
        let _drain = this.drain.lock();
        let last = label_first(this, &job, &outcome.plan);
        let src = if outcome.plan.last_frame {
            job.take(Direction::Output)
        } else {
            None
        };
        let dst = job.take(Direction::Capture);
        // Also if there is no CAPTURE buffer to say so.
        let last = last || src.as_ref().is_some_and(|src| m2m.is_last_draining(src));

        if last {
            m2m.mark_stopped();
        }
        (src, dst, last)
    };

    {
        let mut state = this.state.lock();
        let given = src.iter().chain(&dst).map(|buffer| &**buffer);
        state.stats.give(given, outcome.state());
        state.engine.rest();
    }
    done(src, dst, outcome, last);
    if last {
        this.send(Event::EndOfStream);
    }
    job.finish();
}

/// Lets mem2mem give the buffers back and end the job, with its job lock held.
fn give_under_job_lock(this: &Handle, job: mem2mem::Job, outcome: &Outcome) {
    let m2m = this.m2m();
    // Where there is a lock to be given up at the end, only the timer, and who waits for the job,
    // come here, and the file handle stays.
    let can_drain = !m2m.queue(Direction::Output).may_hold_capture();
    let drain = can_drain.then(|| this.drain.lock());
    let last = label_first(this, &job, &outcome.plan);
    let (Some(src), Some(dst)) = (job.src(), job.dst()) else {
        drop(drain);
        return give(this, job, outcome);
    };

    fill(outcome, dst, last);
    {
        let mut state = this.state.lock();
        let dst = (!src.holds_capture()).then_some(dst);
        state
            .stats
            .give([src].into_iter().chain(dst), outcome.state());
        state.stats.under_job_lock += 1;
        state.engine.rest();
    }
    if last {
        m2m.mark_stopped();
        this.send(Event::EndOfStream);
    }
    job.give_back_and_finish(outcome.state());
}

/// Gives the buffers of a pipelined job back, and sees to it that mem2mem asks for the next one.
fn give_taken(
    this: &Handle,
    src: Option<ActiveBuffer>,
    dst: Option<ActiveBuffer>,
    outcome: &Outcome,
) {
    let given = src.iter().chain(&dst).map(|buffer| &**buffer);

    this.state.lock().stats.give(given, outcome.state());
    done(src, dst, outcome, false);

    // Whoever finds the engine at rest may free all of this, as soon as it has the lock.
    let mut state = this.state.lock();
    state.stats.pipelined += 1;
    state.asks_for_job = true;
    this.clock.queue_on(&this.queue);
    state.engine.rest();
    this.clock.ring();
}
