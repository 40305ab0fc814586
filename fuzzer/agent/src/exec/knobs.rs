//! Operations on the test double's knobs.

use nix::errno::Errno;
use program::Op;
use program::knobs::{self, Id};

use super::{DONE, Executor};
use crate::journal::Outcome;
use crate::sys::double::{self, Knob, TABLE};

impl Executor<'_> {
    pub(super) fn knob_operation(&self, op: &Op) -> Outcome {
        if let Some(outcome) = self.change_stream(op) {
            return outcome;
        }
        let (file, settings) = knobs::settings(op).ok_or(Errno::ENOSYS)?;
        let fd = self.shared.table().file(file).fd;
        settings
            .into_iter()
            .flatten()
            .try_for_each(|(id, value)| double::set(fd, knob(id).ok_or(Errno::ENOSYS)?, value))?;
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

/// The knob of that number.
fn knob(id: Id) -> Option<Knob> {
    let mut knobs = TABLE.iter().map(|spec| spec.knob);
    knobs.find(|knob| *knob as u32 == id as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::double::Spec;

    fn is_called(spec: &Spec, name: &str) -> bool {
        spec.name.eq_ignore_ascii_case(name)
    }

    #[test]
    fn numbers_are_those_of_the_double() {
        for id in Id::ALL {
            assert_eq!(format!("{:?}", knob(*id).unwrap()), format!("{id:?}"));
        }
        assert_eq!(Id::ALL.len() + 1, TABLE.len(), "all but JOB_BASE");
    }

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
}
