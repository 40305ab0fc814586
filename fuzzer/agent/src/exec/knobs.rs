//! Operations on the test double's knobs.

use nix::errno::Errno;
use program::{Completion, Fault, Op};

use super::{DONE, Executor, nanoseconds};
use crate::journal::Outcome;
use crate::sys::double::{self, Knob, Spec, TABLE};

impl Executor<'_> {
    pub(super) fn knob_operation(&self, op: &Op) -> Outcome {
        if let Some(outcome) = self.change_stream(op) {
            return outcome;
        }
        let (file, settings) = settings(op).ok_or(Errno::ENOSYS)?;
        let fd = self.shared.table().file(file).fd;
        settings
            .into_iter()
            .flatten()
            .try_for_each(|(knob, value)| double::set(fd, knob, value))?;
        DONE
    }

    /// The stream of a real decoder changes in its input.
    fn change_stream(&self, op: &Op) -> Option<Outcome> {
        let Op::SourceChange {
            file,
            frame,
            width,
            height,
        } = *op
        else {
            return None;
        };
        let mut table = self.shared.table();
        let open = table.file(file).fd >= 0;
        let changed = self
            .shared
            .feed
            .change(table.position(file), frame, (width, height));
        changed.then_some(if open { DONE } else { Err(Errno::EBADF) })
    }
}

type Settings = [Option<(Knob, u64)>; 2];

/// The file and the knobs that an operation sets.
fn settings(op: &Op) -> Option<(program::File, Settings)> {
    let one = |knob, value| [Some((knob, value)), None];
    Some(match *op {
        Op::GateClose { file, chunk } => (file, one(Knob::Gate, chunk.into())),
        Op::GateOpen { file } => (file, one(Knob::Gate, 0)),
        Op::JobTime { file, time } => (file, one(Knob::JobTime, nanoseconds(time))),
        Op::Chunks { file, count, delay } => {
            let delay = Some((Knob::ChunkDelay, nanoseconds(delay)));
            (file, [Some((Knob::Chunks, count.into())), delay])
        }
        Op::Completion { file, context } => (file, one(Knob::Completion, completion(context))),
        Op::SetKnob { file, knob, value } => (file, one(called(knob.word())?, value.into())),
        Op::Watchdog { file, time } => (file, one(Knob::Watchdog, nanoseconds(time))),
        Op::Fail {
            file,
            fault: Fault::Error,
            job,
        } => (file, one(Knob::FailError, job.into())),
        Op::Fail {
            file,
            fault: Fault::Lost,
            job,
        } => (file, one(Knob::FailLost, job.into())),
        Op::SourceChange {
            file,
            frame,
            width,
            height,
        } => (
            file,
            one(Knob::SourceChange, source_change(frame, width, height)),
        ),
        _ => return None,
    })
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

/// The knob that programs call this.
fn called(name: &str) -> Option<Knob> {
    let spec = TABLE.iter().find(|spec| is_called(spec, name));
    spec.map(|spec| spec.knob)
}

fn is_called(spec: &Spec, name: &str) -> bool {
    spec.name.eq_ignore_ascii_case(name)
}

/// The fields of `VB2_DOUBLE_KNOB_SOURCE_CHANGE`. What does not fit into its field becomes the largest that does, so
/// that the driver can refuse it.
fn source_change(frame: u32, width: u32, height: u32) -> u64 {
    let field = |value: u32| u64::from(u16::try_from(value).unwrap_or(u16::MAX));
    field(frame) | field(width) << 16 | field(height) << 32
}

#[cfg(test)]
mod tests {
    use program::{File, Micros};

    use super::*;

    #[test]
    fn every_knob_can_be_turned() {
        let own = [
            "JOB_BASE",
            "JOB_TIME",
            "CHUNKS",
            "CHUNK_DELAY",
            "COMPLETION",
            "GATE",
            "WATCHDOG",
        ];
        let faults = ["FAIL_ERROR", "FAIL_LOST", "SOURCE_CHANGE"];
        let others = TABLE
            .iter()
            .filter(|spec| ![&own[..], &faults].concat().contains(&spec.name));
        let words: Vec<_> = program::Knob::ALL.iter().map(|knob| knob.word()).collect();
        assert_eq!(words.len(), others.clone().count());
        for spec in others {
            assert!(
                words.iter().any(|word| is_called(spec, word)),
                "{}",
                spec.name
            );
        }
    }

    #[test]
    fn chunks_are_two_knobs_in_nanoseconds() {
        let op = Op::Chunks {
            file: File(1),
            count: 4,
            delay: Micros(500),
        };
        let expected = [Some((Knob::Chunks, 4)), Some((Knob::ChunkDelay, 500_000))];
        assert_eq!(settings(&op), Some((File(1), expected)));
    }

    #[test]
    fn a_source_change_is_packed() {
        assert_eq!(source_change(2, 128, 64), 2 | 128 << 16 | 64 << 32);
        assert_eq!(source_change(1, 70_000, 1), 1 | 0xffff << 16 | 1 << 32);
    }

    #[test]
    fn an_open_gate_holds_before_no_chunk() {
        let closed = Op::GateClose {
            file: File(0),
            chunk: 3,
        };
        assert_eq!(
            settings(&closed).map(|(_, s)| s[0]),
            Some(Some((Knob::Gate, 3)))
        );
        let open = Op::GateOpen { file: File(0) };
        assert_eq!(
            settings(&open).map(|(_, s)| s[0]),
            Some(Some((Knob::Gate, 0)))
        );
    }
}
