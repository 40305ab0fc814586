//! I26: every buffer that the driver got is given back once, and none is left with it when its queue has stopped.
//!
//! A CAPTURE buffer can be given back without having been handed over: mem2mem ends a drain with one from the queue. It can
//! do so once for each time that userspace queues it.

use program::Op;
use trace::{BufferId, Event};

use super::{Case, name};
use crate::invariant::Invariant::I26;
use crate::violation::Violation;
use crate::world::buffer::{Happening, History};
use crate::world::place::Place;
use crate::world::span::{Moment, Span};

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut buffers: Vec<_> = case.world.buffers.iter().collect();
    buffers.sort_by_key(|(buffer, _)| (buffer.queue, buffer.index));
    for (buffer, history) in buffers {
        violations.extend(unpaired(case, buffer, history));
        violations.extend(kept(case, buffer, history));
    }
    violations
}

fn found(case: &Case, event: usize, buffer: BufferId, observed: &str) -> Violation {
    Violation {
        invariant: I26,
        op: case.world.op_at(event),
        fence: None,
        expected: format!(
            "the driver gets {} and gives it back, in turn",
            name(buffer)
        ),
        observed: observed.to_owned(),
        event,
    }
}

/// Records that do not take turns.
fn unpaired(case: &Case, buffer: BufferId, history: &History) -> Option<Violation> {
    let mut with_driver = false;
    let mut given_back = None;
    for (at, happening) in &history.steps {
        let observed = match happening {
            Happening::Queue if with_driver => "the driver got a buffer that it had already",
            Happening::Done(_) if !with_driver && buffer.output => {
                "the driver gave a buffer back that it did not have"
            }
            Happening::Done(_)
                if given_back
                    .is_some_and(|before| !may_be_queued_again(case, before, at.index)) =>
            {
                "it was given back twice in a row"
            }
            Happening::Queue => {
                (with_driver, given_back) = (true, None);
                continue;
            }
            Happening::Done(_) => {
                (with_driver, given_back) = (false, Some(at.index));
                continue;
            }
            _ => continue,
        };
        return Some(found(case, at.index, buffer, observed));
    }
    None
}

/// Whether userspace may have queued a buffer that was done again, between two records. Whose the buffer is need not be
/// known: it can be dequeued by a call that ended between them, or by one that ran.
fn may_be_queued_again(case: &Case, before: usize, after: usize) -> bool {
    let lets_go = |op: &Op| {
        matches!(
            op,
            Op::Dqbuf { .. } | Op::Streamoff { .. } | Op::CloseFile { .. } | Op::Open { .. }
        )
    };
    let mut threads = case.world.program.steps.iter();
    if threads.any(|step| step.asynchronous && lets_go(&step.op)) {
        return true;
    }
    let ended = case.world.trace.events[before..after].iter();
    let ended = ended.filter_map(|event| match event {
        Event::Call(call) => Some(call.op),
        _ => None,
    });
    let running = case.world.op_at(after);
    let mut ops = ended.chain(running).filter_map(|op| case.world.op(op));
    ops.any(lets_go)
}

/// Calls after which the driver may not have the buffer, and has it.
fn kept(case: &Case, buffer: BufferId, history: &History) -> Option<Violation> {
    let sights = &case.world.sights;
    let drains = sights.drains.iter().filter(|drain| drain.alone);
    let drains = drains.map(|drain| (&drain.span, drain.place));
    let removed = sights.removals.iter().filter(|removal| {
        buffer.index >= removal.index && buffer.index - removal.index < removal.count
    });
    let removed = removed.map(|removal| (&removal.span, removal.place));
    let mut calls = drains.chain(removed);
    let (span, _) = calls.find(|(span, place)| has_it(case, history, span, *place))?;
    Some(found(
        case,
        span.event,
        buffer,
        "the driver still has a buffer of a queue that was stopped, or of one that was removed",
    ))
}

/// Whether a buffer of this place was with the driver all through the call.
fn has_it(case: &Case, history: &History, span: &Span, place: Place) -> bool {
    let turn = |happening| matches!(happening, Happening::Queue | Happening::Done(_));
    let mut turns = history.before(span.event);
    let last = turns.find(|(_, happening)| turn(*happening));
    let of_place = |at: Moment| case.world.takers.get(&at.index) == Some(&place);
    match last {
        Some((at, Happening::Queue)) => !span.is_async() && span.surely_after(at) && of_place(at),
        _ => false,
    }
}
