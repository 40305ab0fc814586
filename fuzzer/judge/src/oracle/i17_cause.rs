//! I17 of the buffer itself: it ends with an error only for a reason. Nobody else asks: to a fence an error is as good as
//! a success, as long as it tells so.
//!
//! Reasons are what the program did: it had a job fail, made the picture larger than the buffer, or stopped the job; and
//! the watchdog, if the job took that long. What may have been a reason is taken for one.

use program::{File, Knob, Op, Step};
use trace::{BufferId, Event, Mark, Phase};

use super::{Case, name};
use crate::invariant::Invariant::I17;
use crate::violation::Violation;
use crate::world::buffer::{Happening, STATE_ERROR};
use crate::world::place::target;
use crate::world::span::{Moment, is_async};

/// The double's watchdog, unless a program sets another; a little less, since it is set before the job is told of.
const WATCHDOG: u64 = 990_000_000;
/// The shortest that a program can set, a little less as well.
const SHORTEST_WATCHDOG: u64 = 990_000;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    if !case.expectation.tells_jobs {
        return Vec::new();
    }
    let mut flying = Vec::new();
    let mut violations = Vec::new();
    for (index, event) in case.world.trace.events.iter().enumerate() {
        match event {
            Event::Begin { op, .. } => flying.push(*op),
            Event::Call(call) if is_async(case.world.program, call.op) => {
                flying.retain(|op| *op != call.op);
            }
            Event::Ledger(record) => {
                let at = Moment::of(index, record);
                violations.extend(failure(case, &flying, at, &record.kind));
            }
            // What is closed now is stopped.
            Event::Mark {
                mark: Mark::ProgramEnd,
                ..
            } => break,
            _ => {}
        }
    }
    violations
}

fn failure(case: &Case, flying: &[u16], at: Moment, kind: &trace::Kind) -> Option<Violation> {
    let trace::Kind::Done {
        buffer,
        state: STATE_ERROR,
    } = *kind
    else {
        return None;
    };
    let life = Life::of(case, buffer, at);
    if life.has_reason(case, flying, at) {
        return None;
    }
    let observed = match life.started {
        Some(_) => "its job ended with an error that nobody asked for",
        None => "it was given back with an error although no job was started on it",
    };
    let expected = format!("{} ends with a picture", name(buffer));
    Some(Violation {
        invariant: I17,
        op: case.world.op_at(at.index),
        fence: None,
        expected,
        observed: observed.to_owned(),
        event: at.index,
    })
}

/// Whether this buffer, which was given back with an error, has no reason for that.
pub(super) fn is_groundless(case: &Case, buffer: BufferId, done: Moment) -> bool {
    let mut flying = Vec::new();
    for event in &case.world.trace.events[..done.index] {
        match event {
            Event::Begin { op, .. } => flying.push(*op),
            Event::Call(call) => flying.retain(|op| *op != call.op),
            _ => {}
        }
    }
    !Life::of(case, buffer, done).has_reason(case, &flying, done)
}

/// What is known of a buffer since it was queued.
struct Life {
    /// The event at which it was queued, or the first one.
    queued: usize,
    /// Whose it is, if that is known.
    file: Option<u8>,
    /// When a job was started on it.
    started: Option<u64>,
}

impl Life {
    fn of(case: &Case, buffer: BufferId, done: Moment) -> Self {
        let mut life = Self {
            queued: 0,
            file: None,
            started: None,
        };
        for (at, happening) in case.world.buffers.get(buffer).before(done.index) {
            match happening {
                Happening::Job(_, Phase::Start) => life.started = life.started.or(Some(at.time)),
                Happening::Queue => {
                    life.queued = at.index;
                    life.file = case.world.takers.get(&at.index).map(|place| place.file);
                    break;
                }
                _ => {}
            }
        }
        life
    }

    fn has_reason(&self, case: &Case, flying: &[u16], done: Moment) -> bool {
        let stopped = self.was_stopped(case, flying, done) || self.was_closed(case, done);
        stopped || is_short_of_memory(case) || self.was_provoked(case) || self.was_slow(case, done)
    }

    /// Whether this may be the buffer's file.
    fn is_of(&self, file: File) -> bool {
        self.file.is_none_or(|mine| mine == file.0)
    }

    fn steps<'a>(&'a self, case: &'a Case) -> impl Iterator<Item = &'a Step> {
        let steps = case.world.program.steps.iter();
        steps.filter(|step| target(&step.op).is_some_and(|(file, _)| self.is_of(File(file))))
    }

    /// Whether the program had a job fail, or may have made its picture larger than the buffer.
    fn was_provoked(&self, case: &Case) -> bool {
        let mut allocated = false;
        self.steps(case).any(|step| match step.op {
            Op::Fail { .. } | Op::SourceChange { .. } => true,
            Op::SetKnob {
                knob: Knob::FailLate,
                ..
            } => true,
            Op::Reqbufs { .. } | Op::CreateBufs { .. } => {
                allocated = true;
                false
            }
            Op::SetFormat { .. } => allocated || step.asynchronous,
            _ => false,
        })
    }

    /// Whether a call was under way that ends jobs.
    fn was_stopped(&self, case: &Case, flying: &[u16], at: Moment) -> bool {
        let Some(current) = case.world.op_at(at.index) else {
            return true;
        };
        let mut running = flying.iter().copied().chain([current]);
        running.any(|op| case.world.op(op).is_none_or(|op| self.is_stopped_by(op)))
    }

    /// Whether its file was closed: a call that runs holds it open, and what the close ends then ends with that call.
    fn was_closed(&self, case: &Case, done: Moment) -> bool {
        let since = &case.world.trace.events[self.queued..done.index];
        since.iter().any(|event| match event {
            Event::Call(call) => match case.world.op(call.op) {
                Some(Op::Open { file, .. } | Op::CloseFile { file }) => self.is_of(*file),
                _ => false,
            },
            _ => false,
        })
    }

    fn is_stopped_by(&self, op: &Op) -> bool {
        match op {
            Op::Open { file, .. }
            | Op::CloseFile { file }
            | Op::Streamoff { file, .. }
            | Op::Reqbufs { file, .. } => self.is_of(*file),
            Op::Reload => true,
            _ => false,
        }
    }

    /// Whether the watchdog may have ended the job.
    fn was_slow(&self, case: &Case, done: Moment) -> bool {
        let limit = match self.steps(case).any(is_watchdog) {
            true => SHORTEST_WATCHDOG,
            false => WATCHDOG,
        };
        self.started
            .is_some_and(|started| done.time.saturating_sub(started) >= limit)
    }
}

/// Whether an allocation was made to fail: `device_run` may have been the one that made it, and it fails its job then.
fn is_short_of_memory(case: &Case) -> bool {
    let events = &case.world.trace.events;
    events
        .iter()
        .any(|event| matches!(event, Event::Fault { hit: true, .. }))
}

fn is_watchdog(step: &Step) -> bool {
    matches!(step.op, Op::Watchdog { .. })
}
