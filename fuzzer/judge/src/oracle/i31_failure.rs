//! I31: a job whose fences cannot be attached ends with an error and leaves none: attaching is all or nothing.
//!
//! Both buffers of such a job are given back in one go and without a job. If one of them had a fence and the other had
//! none, the first was published when the second failed. Whoever stops the stream gives other buffers back in the same go,
//! so only calls count that start jobs.

use program::{Knob, Op};
use trace::{BufferId, Event, Kind, Phase, Record};

use super::{Case, name};
use crate::invariant::Invariant::I31;
use crate::violation::Violation;
use crate::world::buffer::{Happening, STATE_ERROR};
use crate::world::span::Moment;

/// A buffer that was given back.
type Given = (Moment, BufferId);

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let mut steps = case.world.program.steps.iter();
    let unsure = steps.any(|step| step.asynchronous || stays(&step.op));
    if unsure || !case.expectation.tells_jobs || !case.expectation.opted_in {
        return Vec::new();
    }
    let failed = failed(case);
    let pairs = failed.windows(2).filter(|pair| one_job(case, pair));
    pairs.filter_map(|pair| half(case, pair)).collect()
}

/// Whether a buffer may stay with the driver after its job, and so have no fence.
fn stays(op: &Op) -> bool {
    let frames = Knob::Frames;
    matches!(op, Op::Qbuf { hold: true, .. })
        || matches!(op, Op::SetKnob { knob, .. } if *knob == frames)
}

/// Buffers given back with an error and without a job, by calls that start jobs.
fn failed(case: &Case) -> Vec<Given> {
    let events = case.world.trace.events.iter().enumerate();
    let given = events.filter_map(|(index, event)| match event {
        Event::Ledger(record) => match record.kind {
            Kind::Done {
                buffer,
                state: STATE_ERROR,
            } => Some((Moment::of(index, record), buffer)),
            _ => None,
        },
        _ => None,
    });
    given
        .filter(|given| !had(case, given, is_start) && starts_jobs(case, given.0))
        .collect()
}

fn is_start(step: &Happening) -> bool {
    matches!(step, Happening::Job(_, Phase::Start))
}

fn is_attach(step: &Happening) -> bool {
    matches!(step, Happening::Attach(_))
}

/// Whether such a thing happened to the buffer while the driver had it.
fn had(case: &Case, (at, buffer): &Given, which: fn(&Happening) -> bool) -> bool {
    let history = case.world.buffers.get(*buffer);
    let steps = history.before(at.index).map(|(_, happening)| happening);
    let turn = |step: &Happening| matches!(step, Happening::Queue | Happening::Done(_));
    steps
        .take_while(|step| !turn(step))
        .any(|step| which(&step))
}

fn starts_jobs(case: &Case, at: Moment) -> bool {
    let op = case.world.op_at(at.index).and_then(|op| case.world.op(op));
    matches!(
        op,
        Some(Op::Qbuf { .. } | Op::Streamon { .. } | Op::QueueRequest { .. } | Op::Advance { .. })
    )
}

/// Whether the two were given back one after the other, one of each queue, and both can have a fence.
fn one_job(case: &Case, pair: &[Given]) -> bool {
    let [(first, one), (second, other)] = pair else {
        return false;
    };
    let between = &case.world.trace.events[first.index + 1..second.index];
    let quiet = between.iter().all(|event| match event {
        Event::Ledger(Record { kind, .. }) => {
            matches!(kind, Kind::Signal { .. } | Kind::Destroy { .. })
        }
        _ => false,
    });
    let userptr = |(at, buffer): &Given| case.world.buffers.get(*buffer).is_userptr(at.index);
    quiet && one.output != other.output && !pair.iter().any(userptr)
}

fn half(case: &Case, pair: &[Given]) -> Option<Violation> {
    let fenced = pair.iter().find(|given| had(case, given, is_attach))?;
    let (at, bare) = pair.iter().find(|given| !had(case, given, is_attach))?;
    Some(Violation {
        invariant: I31,
        op: case.world.op_at(at.index),
        fence: None,
        expected: format!(
            "no buffer of a job has a fence if {} cannot get one",
            name(*bare)
        ),
        observed: format!("{} had one", name(fenced.1)),
        event: at.index,
    })
}
