//! From what the judge saw to what user space can see: one check for each invariant that has one.

use judge::{Clue, Invariant, Violation};
use program::{
    Access, Dmabuf, Driver, Op, Program, Sync,
    c::{Probe, Symptom, Watched},
};
use trace::Trace;

/// How a violation shows in user space.
pub(super) fn of(
    program: &Program,
    trace: &Trace,
    violation: &Violation,
    driver: Driver,
) -> Symptom {
    let clue = judge::clue(program, trace, violation);
    let case = Case {
        program,
        violation,
        clue,
        op: violation.op.map(usize::from),
        armed: clue.armed.map(usize::from),
    };
    let Plan {
        probe,
        from,
        until,
        watched,
    } = case.plan(driver == Driver::Double);
    let symptom = Symptom {
        probe,
        watched,
        from,
        until,
        what: case.what(watched),
    };
    match needs_buffer(probe) && watched == Watched::default() {
        true => Symptom::of(Probe::Hidden, &symptom.what),
        false => symptom,
    }
}

fn needs_buffer(probe: Probe) -> bool {
    !matches!(
        probe,
        Probe::Merged(..) | Probe::Answers | Probe::Log | Probe::Hidden
    )
}

struct Case<'a> {
    program: &'a Program,
    violation: &'a Violation,
    clue: Clue,
    /// The step that shows it.
    op: Option<usize>,
    /// The step that attached the fence.
    armed: Option<usize>,
}

/// A probe and its places.
struct Plan {
    probe: Probe,
    from: Option<usize>,
    until: Option<usize>,
    watched: Watched,
}

impl Case<'_> {
    fn plan(&self, stamped: bool) -> Plan {
        let error = self.violation.expected.contains("with an error");
        match self.violation.invariant {
            Invariant::I1 => self.since_armed(Probe::Finite, None),
            Invariant::I11 => self.seen(Probe::Unfenced),
            Invariant::I12 => self.seen(Probe::Pending(self.access().unwrap_or(Access::ReadWrite))),
            Invariant::I13 if self.is_output() => self.seen(Probe::Free),
            Invariant::I13 => self.seen(Probe::Pending(Access::Read)),
            Invariant::I6 | Invariant::I18 => self.since_armed(Probe::Ended, self.op),
            Invariant::I7 => self.at(Probe::Unfenced, self.op),
            Invariant::I8 | Invariant::I9 => {
                self.since_armed(Probe::Over { stamped }, self.op.max(self.armed))
            }
            Invariant::I10 => self.since_armed(Probe::Returned, None),
            Invariant::I16 => self.merged(),
            Invariant::I17 if self.violation.fence.is_some() => {
                self.since_armed(Probe::Tells { error }, None)
            }
            Invariant::I17 => self.since_armed(Probe::Well, None),
            Invariant::I20 | Invariant::I21 => self.at(Probe::Answers, None),
            Invariant::I24 => self.prompt(),
            Invariant::I27 => self.at(Probe::Log, None),
            _ => self.at(Probe::Hidden, None),
        }
    }

    /// The fence is exported as soon as it is there.
    fn since_armed(&self, probe: Probe, until: Option<usize>) -> Plan {
        Plan {
            probe,
            from: self.armed,
            until,
            watched: self.watched(),
        }
    }

    fn at(&self, probe: Probe, step: Option<usize>) -> Plan {
        Plan {
            probe,
            from: step,
            until: step,
            watched: self.watched(),
        }
    }

    /// What an operation on a dma-buf saw is looked for on this dma-buf, and else on an export of the buffer.
    fn seen(&self, probe: Probe) -> Plan {
        let step = self.op.and_then(|op| self.program.steps.get(op));
        let slot = step.and_then(|step| match step.op {
            Op::ExportSync { dmabuf, .. } | Op::PollDmabuf { dmabuf, .. } => Some(dmabuf),
            _ => None,
        });
        match slot {
            Some(dmabuf) => Plan {
                watched: Watched {
                    dmabuf: Some(dmabuf),
                    ..self.watched()
                },
                ..self.at(probe, self.op)
            },
            None => self.at(probe, self.armed),
        }
    }

    /// Who was to wait.
    fn access(&self) -> Option<Access> {
        match self.program.steps.get(self.op?)?.op {
            Op::ExportSync { access, .. } => Some(access),
            _ => None,
        }
    }

    fn is_output(&self) -> bool {
        self.clue
            .buffer
            .is_none_or(|(_, queue, _)| queue == program::Queue::Output)
    }

    fn watched(&self) -> Watched {
        Watched {
            buffer: self.clue.buffer,
            dmabuf: self.import(),
        }
    }

    /// The dma-buf that the buffer imports.
    fn import(&self) -> Option<Dmabuf> {
        let (wanted, of, number) = self.clue.buffer?;
        let last = self.armed.map_or(usize::MAX, |armed| armed + 1);
        let steps = self.program.steps.iter().take(last);
        let mut imports = steps.rev().filter_map(|step| match step.op {
            Op::Qbuf {
                file,
                queue,
                index,
                dmabuf,
                ..
            } if (file, queue, index) == (wanted, of, number) => Some(dmabuf),
            _ => None,
        });
        imports.next().flatten()
    }

    /// The call, and the fence of the dma-buf that it imports.
    fn prompt(&self) -> Plan {
        let step = self.op.and_then(|op| self.program.steps.get(op));
        let dmabuf = step.and_then(|step| match step.op {
            Op::Qbuf { dmabuf, .. } => dmabuf,
            _ => None,
        });
        let watched = Watched {
            buffer: None,
            dmabuf,
        };
        Plan {
            watched,
            ..self.at(Probe::Prompt, self.op)
        }
    }

    /// The merged sync_file is named first in what was expected.
    fn merged(&self) -> Plan {
        let name = self.violation.expected.split(' ').next();
        let number = name.and_then(|name| name.strip_prefix('s')?.parse().ok());
        let parts = number.and_then(|number| self.parts(Sync(number)));
        let probe = parts.map_or(Probe::Hidden, |(sync, a, b)| Probe::Merged(sync, a, b));
        self.at(probe, self.op)
    }

    fn parts(&self, merged: Sync) -> Option<(Sync, Sync, Sync)> {
        let merges = self.program.steps.iter().rev();
        let mut merges = merges.filter_map(|step| match step.op {
            Op::Merge { sync, a, b } if sync == merged => Some((sync, a, b)),
            _ => None,
        });
        merges.next().filter(|(sync, a, b)| sync != a && sync != b)
    }

    fn what(&self, watched: Watched) -> String {
        let invariant = self.violation.invariant;
        let buffer = watched.buffer.map(|(file, queue, index)| {
            let queue = program::c::queue_name(queue);
            format!(" ({queue} buffer {index} of {file})")
        });
        match invariant {
            Invariant::I27 => self.violation.observed.clone(),
            _ => format!(
                "{invariant} is broken: {}{}",
                invariant.title(),
                buffer.unwrap_or_default()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(invariant: Invariant, op: u16, expected: &str) -> Violation {
        Violation {
            invariant,
            op: Some(op),
            fence: None,
            expected: expected.into(),
            observed: "x".into(),
            event: 0,
        }
    }

    fn symptom(text: &str, violation: &Violation) -> Symptom {
        let program: Program = text.parse().unwrap();
        of(&program, &Trace::default(), violation, Driver::Double)
    }

    #[test]
    fn what_an_export_showed_is_looked_for_on_the_same_dma_buf() {
        let found = symptom(
            "a = open double\ns0 = export_sync d3 r",
            &violation(Invariant::I12, 1, ""),
        );
        assert_eq!(found.probe, Probe::Pending(Access::Read));
        assert_eq!(found.watched.dmabuf, Some(Dmabuf(3)));
        assert_eq!((found.from, found.until), (Some(1), Some(1)));
    }

    #[test]
    fn without_a_buffer_there_is_nothing_to_see() {
        let found = symptom("a = open double", &violation(Invariant::I18, 0, ""));
        assert_eq!(found.probe, Probe::Hidden);
        let found = symptom("a = open double", &violation(Invariant::I27, 0, ""));
        assert_eq!(found.probe, Probe::Log);
    }

    #[test]
    fn a_merge_is_compared_with_its_parts() {
        let text = "s2 = merge s0 s1\nfile_info s2";
        let found = symptom(text, &violation(Invariant::I16, 1, "s2 is pending until"));
        assert_eq!(found.probe, Probe::Merged(Sync(2), Sync(0), Sync(1)));
        let itself = "s0 = merge s0 s1";
        let found = symptom(itself, &violation(Invariant::I16, 0, "s0 is pending until"));
        assert_eq!(found.probe, Probe::Hidden);
    }
}
