//! I25: foreign fences delay no job. A job that starts just when the program ends the fence of a software timeline has waited
//! for it, if that fence is on one of its planes and nothing else can have started the job: the device was idle, and what the
//! program did since it came to rest was to look.

use program::Op;
use trace::{Call, Event, Kind, Phase, Record};

use super::{Case, name};
use crate::invariant::Invariant::I25;
use crate::violation::Violation;
use crate::world::fence::Fence;
use crate::world::slot::ImportedFences;
use crate::world::span::Moment;

/// Whatever was still to be done is done after this time without anything to be seen: it passes only while all threads sleep.
const REST: u64 = 1_000_000;

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let mut steps = case.world.program.steps.iter();
    // Another thread may start a job at any time.
    if !case.expectation.tells_jobs || steps.any(|step| step.asynchronous) {
        return Vec::new();
    }
    let fences = case.world.fences.iter();
    fences.filter_map(|fence| delayed(case, fence)).collect()
}

fn delayed(case: &Case, fence: &Fence) -> Option<Violation> {
    let attach = fence.attaches.first()?;
    let memory = attach.memory?;
    let mut imports = case.world.imports.iter();
    let ends = |import: &ImportedFences| {
        let here = import.memory == Some(memory) && import.from < attach.at.index;
        here && ends_one(case, import, attach.at)
    };
    (imports.any(ends) && was_idle(case, attach.at)).then(|| {
        let buffer = name(attach.buffer);
        let expected = format!("the job of {buffer} starts although a foreign fence is pending");
        let observed = "it started when the program ended that fence".to_owned();
        case.recorded(I25, attach.at.index, fence.id, expected, observed)
    })
}

/// Whether the main thread was in the call that ended one of the imported fences.
fn ends_one(case: &Case, import: &ImportedFences, at: Moment) -> bool {
    let ended = |id| case.world.strangers.ended(id);
    let mut strangers = import.strangers.iter();
    strangers.any(|id| ended(*id).is_some_and(|end| end.index == case.world.end_after(at.index)))
}

/// Whether nothing ran, and nothing had been asked for that could run, when the call began that this happened in.
fn was_idle(case: &Case, at: Moment) -> bool {
    let (events, end) = (&case.world.trace.events, case.world.end_after(at.index));
    let Some(Event::Call(call)) = events.get(end) else {
        return false;
    };
    let before = &events[..case.world.opens(end)];
    let stirs = before.iter().filter_map(|event| match event {
        Event::Ledger(record) => Some(record.time),
        Event::Call(call) if !looks(case, call) => Some(call.end),
        _ => None,
    });
    let last = stirs.max().unwrap_or(0);
    !runs(before) && call.start.saturating_sub(last) >= REST
}

/// Whether a job has started and not ended. Each tells so once for each of its buffers.
fn runs(events: &[Event]) -> bool {
    let phases = events.iter().filter_map(|event| match event {
        Event::Ledger(Record {
            kind: Kind::Job { phase, .. },
            ..
        }) => Some(*phase),
        _ => None,
    });
    let count = |running: i32, phase| match phase {
        Phase::Start => running + 1,
        Phase::End => running - 1,
        _ => running,
    };
    phases.fold(0, count) != 0
}

/// Whether a call cannot have started a job, neither at once nor later.
fn looks(case: &Case, call: &Call) -> bool {
    match case.world.op(call.op) {
        // It found nothing.
        Some(Op::Dqbuf { .. }) => call.result.is_err(),
        Some(op) => only_looks(op),
        None => false,
    }
}

fn only_looks(op: &Op) -> bool {
    matches!(
        op,
        Op::ExportSync { .. }
            | Op::ImportSync { .. }
            | Op::FileInfo { .. }
            | Op::Merge { .. }
            | Op::DupSync { .. }
            | Op::SwSync { .. }
            | Op::PollSync { .. }
            | Op::PollDmabuf { .. }
            | Op::PollFile { .. }
            | Op::Check { .. }
            | Op::Touch { .. }
            | Op::Querybuf { .. }
            | Op::Advance { .. }
    )
}
