//! Operations that set knobs of the test double, as numbers of its control ABI.

use crate::op::{self, Completion, Fault, File, Micros, Op};

/// `enum vb2_double_knob_id`, as far as operations set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knob {
    JobTime = 2,
    Chunks = 3,
    ChunkDelay = 4,
    Completion = 5,
    Gate = 6,
    Watchdog = 7,
    FailError = 8,
    FailLost = 9,
    SourceChange = 10,
    Frames = 11,
    NotReady = 12,
    MinQueued = 13,
    Suspend = 14,
    FailLate = 15,
    Abort = 16,
}

/// The file and the knobs that an operation sets.
pub(super) fn settings(op: &Op) -> Option<(File, Vec<(Knob, u64)>)> {
    let (file, knob, value) = match *op {
        Op::Chunks { file, count, delay } => {
            let chunks = (Knob::Chunks, count.into());
            return Some((file, vec![chunks, (Knob::ChunkDelay, nanoseconds(delay))]));
        }
        Op::GateClose { file, chunk } => (file, Knob::Gate, chunk.into()),
        Op::GateOpen { file } => (file, Knob::Gate, 0),
        Op::JobTime { file, time } => (file, Knob::JobTime, nanoseconds(time)),
        Op::Completion { file, context } => (file, Knob::Completion, completion(context)),
        Op::SetKnob { file, knob, value } => (file, called(knob), value.into()),
        Op::Watchdog { file, time } => (file, Knob::Watchdog, nanoseconds(time)),
        Op::Fail { file, fault, job } => (file, fail(fault), job.into()),
        Op::SourceChange {
            file,
            frame,
            width,
            height,
        } => (file, Knob::SourceChange, packed([frame, width, height])),
        _ => return None,
    };
    Some((file, vec![(knob, value)]))
}

fn called(knob: op::Knob) -> Knob {
    match knob {
        op::Knob::Frames => Knob::Frames,
        op::Knob::NotReady => Knob::NotReady,
        op::Knob::MinQueued => Knob::MinQueued,
        op::Knob::Suspend => Knob::Suspend,
        op::Knob::FailLate => Knob::FailLate,
        op::Knob::Abort => Knob::Abort,
    }
}

fn nanoseconds(time: Micros) -> u64 {
    u64::from(time.0) * 1000
}

fn completion(context: Completion) -> u64 {
    match context {
        Completion::Timer => 0,
        Completion::Work => 1,
        Completion::Inline => 2,
        Completion::Lock => 3,
        Completion::Pipelined => 4,
    }
}

fn fail(fault: Fault) -> Knob {
    match fault {
        Fault::Error => Knob::FailError,
        Fault::Lost => Knob::FailLost,
    }
}

/// Fields of 16 bits. What does not fit becomes the largest that does, so that the driver can refuse it.
fn packed(fields: [u32; 3]) -> u64 {
    let field = |value: u32| u64::from(u16::try_from(value).unwrap_or(u16::MAX));
    fields
        .into_iter()
        .rev()
        .fold(0, |packed, value| packed << 16 | field(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_change_is_packed() {
        assert_eq!(packed([2, 128, 64]), 2 | 128 << 16 | 64 << 32);
        assert_eq!(packed([1, 70_000, 1]), 1 | 0xffff << 16 | 1 << 32);
    }
}
