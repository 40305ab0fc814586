//! I32: a holder of one reservation lock that waits for another fence of the job does not stall it.
//!
//! What it can stall is the way from the first fence of a job to its last: there is nothing on it that could wait, if all
//! locks are held before the first fence is out. Time stands still while code runs, so a buffer that gets its fence later
//! than the first of its job has waited in between.

use trace::{BufferId, Phase};

use super::{Case, ms, name};
use crate::invariant::Invariant::I32;
use crate::violation::Violation;
use crate::world::buffer::{Happening, History};
use crate::world::span::Moment;

/// What a busy machine may add to a time at most.
const SLACK: u64 = 10_000_000;

/// A buffer of a job that starts, and when it got its fence.
struct Armed {
    buffer: BufferId,
    start: Moment,
    job: u64,
    attach: Moment,
}

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    if !case.expectation.tells_jobs || !case.expectation.opted_in {
        return Vec::new();
    }
    let mut armed: Vec<Armed> = case.world.buffers.iter().flat_map(starts).collect();
    armed.sort_by_key(|armed| armed.start.index);
    let late = armed.windows(2).filter_map(|pair| waited(case, pair));
    late.collect()
}

fn starts((buffer, history): (BufferId, &History)) -> Vec<Armed> {
    let steps = history.steps.iter();
    let starts = steps.filter_map(|(start, happening)| match happening {
        Happening::Job(job, Phase::Start) => Some(Armed {
            buffer,
            start: *start,
            job: *job,
            attach: attached(history, *start)?,
        }),
        _ => None,
    });
    starts.collect()
}

/// When the buffer got the fence that it has when the job starts. A second job may find it with one.
fn attached(history: &History, start: Moment) -> Option<Moment> {
    match history.before(start.index).next() {
        Some((at, Happening::Attach(_))) => Some(at),
        _ => None,
    }
}

/// Buffers of one job start together, one record after the other. The number alone does not tell: each file counts its own.
fn waited(case: &Case, pair: &[Armed]) -> Option<Violation> {
    let [one, other] = pair else { return None };
    let adjacent = one.start.index + 1 == other.start.index;
    let together = adjacent && one.job == other.job && one.buffer != other.buffer;
    let between = one.attach.time.abs_diff(other.attach.time);
    (together && between > SLACK).then(|| {
        let late = if one.attach.index < other.attach.index {
            other
        } else {
            one
        };
        Violation {
            invariant: I32,
            op: case.world.op_at(late.start.index),
            fence: None,
            expected: format!(
                "{} gets its fence with the others of its job",
                name(late.buffer)
            ),
            observed: format!("it got it {} after the first of them", ms(between)),
            event: late.start.index,
        }
    })
}
