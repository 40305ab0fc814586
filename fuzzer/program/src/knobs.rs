//! Operations that set knobs of the test double, as numbers of its control ABI.

use crate::op::{self, Completion, Fault, File, Micros, Op};

macro_rules! ids {
    ($($id:ident = $number:literal,)*) => {
        /// `enum vb2_double_knob_id`, as far as operations set it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        #[allow(missing_docs, reason = "module/vb2_double/knobs.md tells what each does")]
        pub enum Id { $($id = $number,)* }

        impl Id {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$id),*];
        }
    };
}

ids! {
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

/// Knobs and their values, in order; the second of most operations is none.
pub type Settings = [Option<(Id, u64)>; 2];

/// The file and the knobs that an operation sets.
pub fn settings(op: &Op) -> Option<(File, Settings)> {
    let (file, id, value) = match *op {
        Op::Chunks { file, count, delay } => {
            let chunks = (Id::Chunks, count.into());
            let delay = (Id::ChunkDelay, nanoseconds(delay));
            return Some((file, [Some(chunks), Some(delay)]));
        }
        Op::GateClose { file, chunk } => (file, Id::Gate, chunk.into()),
        Op::GateOpen { file } => (file, Id::Gate, 0),
        Op::JobTime { file, time } => (file, Id::JobTime, nanoseconds(time)),
        Op::Completion { file, context } => (file, Id::Completion, completion(context)),
        Op::SetKnob { file, knob, value } => (file, called(knob), value.into()),
        Op::Watchdog { file, time } => (file, Id::Watchdog, nanoseconds(time)),
        Op::Fail { file, fault, job } => (file, fail(fault), job.into()),
        Op::SourceChange {
            file,
            frame,
            width,
            height,
        } => (file, Id::SourceChange, packed([frame, width, height])),
        _ => return None,
    };
    Some((file, [Some((id, value)), None]))
}

fn called(knob: op::Knob) -> Id {
    match knob {
        op::Knob::Frames => Id::Frames,
        op::Knob::NotReady => Id::NotReady,
        op::Knob::MinQueued => Id::MinQueued,
        op::Knob::Suspend => Id::Suspend,
        op::Knob::FailLate => Id::FailLate,
        op::Knob::Abort => Id::Abort,
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

fn fail(fault: Fault) -> Id {
    match fault {
        Fault::Error => Id::FailError,
        Fault::Lost => Id::FailLost,
    }
}

/// The fields of `VB2_DOUBLE_KNOB_SOURCE_CHANGE`, of 16 bits each. What does not fit becomes the largest that does, so that the driver can refuse it.
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
    #[test]
    fn chunks_are_two_knobs_in_nanoseconds() {
        let op = Op::Chunks {
            file: File(1),
            count: 4,
            delay: Micros(500),
        };
        let expected = [Some((Id::Chunks, 4)), Some((Id::ChunkDelay, 500_000))];
        assert_eq!(settings(&op), Some((File(1), expected)));
    }

    #[test]
    fn an_open_gate_holds_before_no_chunk() {
        let closed = Op::GateClose {
            file: File(0),
            chunk: 3,
        };
        let first = |op: &Op| settings(op).map(|(_, settings)| settings[0]);
        assert_eq!(first(&closed), Some(Some((Id::Gate, 3))));
        let open = Op::GateOpen { file: File(0) };
        assert_eq!(first(&open), Some(Some((Id::Gate, 0))));
    }
}
