//! I12: an armed buffer shows its pending fence on every plane and every export, also on one that was made later.

use std::collections::BTreeMap;

use program::{Knob, Op, Step};
use trace::Phase;

use super::{Case, name, name_or_none, seen};
use crate::invariant::Invariant::I12;
use crate::violation::Violation;
use crate::world::buffer::{Happening, History};
use crate::world::fence::Fence;
use crate::world::memory::MemoryId;
use crate::world::sight::{PollSight, SyncSight};
use crate::world::span::{Moment, Span};
use crate::world::{Kinds, POLLIN, POLLOUT};

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let sights = &case.world.sights;
    let exports = sights.syncs.iter().filter_map(|sight| export(case, sight));
    let polls = sights.polls.iter().flat_map(|sight| poll(case, sight));
    exports.chain(polls).chain(unfenced(case)).collect()
}

/// A fence that is pending for whoever waits for these kinds.
fn pending<'a>(case: &'a Case, memory: MemoryId, span: &Span, kinds: Kinds) -> Option<&'a Fence> {
    let mut fences = case
        .world
        .fences
        .iter()
        .filter(|fence| fence.pending_throughout(memory, span));
    fences.find(|fence| kinds == Kinds::All || fence.is_write())
}

fn export(case: &Case, sight: &SyncSight) -> Option<Violation> {
    let (memory, access) = sight.exported()?;
    let fence = pending(case, memory, &sight.span, access.into())?;
    (sight.info.status != 0).then(|| {
        let expected = format!(
            "the export shows the pending fence of {}",
            name_or_none(fence.buffer())
        );
        let observed = "the export is signalled".to_owned();
        seen(I12, &sight.span, Some(fence.id), expected, observed)
    })
}

fn poll(case: &Case, sight: &PollSight) -> Vec<Violation> {
    let bits = [
        (POLLIN, Kinds::Write, "POLLIN"),
        (POLLOUT, Kinds::All, "POLLOUT"),
    ];
    let set = bits
        .into_iter()
        .filter(|(bit, ..)| sight.events & sight.revents & bit != 0);
    let early = set.filter_map(|(_, kinds, bit)| {
        let fence = pending(case, sight.memory, &sight.span, kinds)?;
        let expected = format!(
            "d{} is not ready while {} is armed",
            sight.slot,
            name_or_none(fence.buffer())
        );
        Some(seen(
            I12,
            &sight.span,
            Some(fence.id),
            expected,
            format!("{bit} is set"),
        ))
    });
    early.collect()
}

/// Jobs that started on a buffer without a pending fence.
fn unfenced(case: &Case) -> Vec<Violation> {
    if !case.expectation.opted_in {
        return Vec::new();
    }
    // By event, so that the order does not depend on a hash table's.
    let mut found = BTreeMap::new();
    let steps = &case.world.program.steps;
    let (holds, stays) = (steps.iter().any(holds), steps.iter().any(stays));
    for (buffer, history) in case.world.buffers.iter() {
        // A CAPTURE buffer that is held after the job is completed by another one, or by nobody: it has no fence. Nor has
        // an OUTPUT buffer whose last frame it is not.
        let exempt = if buffer.output { stays } else { holds };
        if exempt {
            continue;
        }
        for (at, job) in starts(history) {
            if !history.is_userptr(at.index) && !is_fenced(case, history, at) {
                found.insert(at.index, (buffer, job));
            }
        }
    }
    let violation = |(event, (buffer, job))| Violation {
        invariant: I12,
        op: case.world.op_at(event),
        fence: None,
        expected: format!("{} has a pending fence when job {job} starts", name(buffer)),
        observed: format!(
            "the job started on {} without a pending fence",
            kind(buffer.output)
        ),
        event,
    };
    found.into_iter().map(violation).collect()
}

fn holds(step: &Step) -> bool {
    matches!(step.op, Op::Qbuf { hold: true, .. })
}

/// Whether OUTPUT buffers may stay for several jobs from here on.
fn stays(step: &Step) -> bool {
    matches!(
        step.op,
        Op::SetKnob {
            knob: Knob::Frames,
            ..
        }
    )
}

fn kind(output: bool) -> &'static str {
    if output {
        "an OUTPUT buffer"
    } else {
        "a CAPTURE buffer"
    }
}

fn starts(history: &History) -> impl Iterator<Item = (Moment, u64)> {
    history
        .steps
        .iter()
        .filter_map(|(at, happening)| match happening {
            Happening::Job(job, Phase::Start) => Some((*at, *job)),
            _ => None,
        })
}

fn is_fenced(case: &Case, history: &History, start: Moment) -> bool {
    let attached = history
        .before(start.index)
        .find_map(|(_, happening)| match happening {
            Happening::Attach(fence) => Some(fence),
            _ => None,
        });
    let fence = attached.and_then(|id| case.world.fences.get(id));
    fence.is_some_and(|fence| !fence.signalled_before(start.index))
}
