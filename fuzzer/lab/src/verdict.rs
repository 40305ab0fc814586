//! What the judge said about one run, for the terminal.

use std::fmt;

use judge::{Note, Violation};
use program::Program;
use trace::Trace;

use crate::exit::Exit;

/// Violations and notes of one trace, with the program that they are about.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    program: &'a Program,
    violations: &'a [Violation],
    notes: Vec<Note>,
}

impl<'a> Verdict<'a> {
    /// The verdict on a trace.
    pub fn new(program: &'a Program, trace: &Trace, violations: &'a [Violation]) -> Verdict<'a> {
        Verdict {
            program,
            violations,
            notes: judge::notes(trace),
        }
    }

    /// The class of the first violation.
    pub fn exit(&self) -> Exit {
        exit(self.violations)
    }
}

/// The class of the first violation.
pub fn exit(violations: &[Violation]) -> Exit {
    violations.first().map_or(Exit::HELD, |violation| {
        Exit(violation.invariant.class().exit_code())
    })
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.violations {
            [] => writeln!(f, "every invariant held")?,
            _ => writeln!(f, "{} violations", self.violations.len())?,
        }
        self.violations
            .iter()
            .try_for_each(|violation| f.write_str(&paragraph(self.program, violation)))?;
        self.notes
            .iter()
            .try_for_each(|note| writeln!(f, "  note: {note}"))
    }
}

/// A violation in a few indented lines: promise, place, expected, observed.
pub fn paragraph(program: &Program, violation: &Violation) -> String {
    let step = |op: u16| {
        program
            .steps
            .get(usize::from(op))
            .map(|step| format!("\n    at operation {}: {step}", op + 1))
    };
    let place = violation.op.and_then(step).unwrap_or_default();
    let fence = violation
        .fence
        .map(|fence| format!("\n    fence {}-{}", fence.context, fence.seqno))
        .unwrap_or_default();
    format!(
        "  {}: {}{place}{fence}\n    expected: {}\n    observed: {}\n",
        violation.invariant,
        violation.invariant.title(),
        violation.expected,
        violation.observed
    )
}
