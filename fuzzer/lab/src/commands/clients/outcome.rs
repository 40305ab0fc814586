//! What a client came to, the table of all of them, and what follows from it.

use judge::Violation;
use serde::Serialize;

use crate::{exit::Exit, table::Table, theirs::Visit, verdict};

/// Lines of a failed client's output that are quoted.
const QUOTED: usize = 6;

/// One client on one memory.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    client: &'static str,
    memory: &'static str,
    mplane: bool,
    frames: u64,
    attached: u64,
    signalled: u64,
    destroyed: u64,
    violations: Vec<String>,
    /// What is not as it should be, besides violations.
    troubles: Vec<String>,
    #[serde(skip)]
    exit: Exit,
}

impl Outcome {
    /// Of a client that has not run yet.
    pub(super) fn new(client: &'static str, memory: &'static str, mplane: bool) -> Outcome {
        Outcome {
            client,
            memory,
            mplane,
            frames: 0,
            attached: 0,
            signalled: 0,
            destroyed: 0,
            violations: Vec::new(),
            troubles: Vec::new(),
            exit: Exit::HELD,
        }
    }

    /// Adds what one of its programs did.
    pub(super) fn add(&mut self, frames: u64, visit: Visit) {
        self.frames += frames;
        self.attached += visit.fences.attached;
        self.signalled += visit.fences.signalled;
        self.destroyed += visit.fences.destroyed;
        self.violations
            .extend(visit.violations.iter().map(Violation::title));
        if self.exit == Exit::HELD {
            self.exit = verdict::exit(&visit.violations);
        }
        if let Some(failure) = visit.failure {
            self.troubles.push(failure);
            self.troubles.extend(last(&visit.errors));
        }
    }

    /// Says what is missing after its last program.
    pub(super) fn conclude(&mut self, frames: u64, fences_per_frame: u64) {
        if self.frames != frames {
            self.troubles
                .push(format!("{} frames instead of {frames}", self.frames));
        }
        let least = frames * fences_per_frame;
        if self.attached < least {
            self.troubles.push(format!(
                "{} fences were attached, its buffers ask for {least}",
                self.attached
            ));
        }
        if self.signalled != self.attached || self.destroyed != self.attached {
            self.troubles.push(format!(
                "of {} fences {} were signalled and {} destroyed",
                self.attached, self.signalled, self.destroyed
            ));
        }
        if self.exit == Exit::HELD && !self.troubles.is_empty() {
            self.exit = Exit::TIMING;
        }
    }

    fn planes(&self) -> &'static str {
        if self.mplane { "multi" } else { "single" }
    }

    fn details(&self) -> String {
        let Outcome { client, memory, .. } = self;
        let lines = self.troubles.iter().chain(&self.violations);
        let title = format!("{client}, {memory}, {}-planar", self.planes());
        lines.map(|line| format!("{title}: {line}\n")).collect()
    }
}

/// The last lines, where a program says why it gave up.
fn last(errors: &str) -> Vec<String> {
    let lines: Vec<_> = errors.lines().filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(QUOTED);
    lines[from..].iter().map(|&line| line.to_owned()).collect()
}

/// For the terminal: the table, then what is not as it should be.
pub(super) fn plain(outcomes: &[Outcome]) -> String {
    let mut table = Table::new(&[
        "client",
        "memory",
        "planes",
        "frames",
        "attached",
        "signalled",
        "destroyed",
        "violations",
        "verdict",
    ]);
    for outcome in outcomes {
        let counts = [
            outcome.frames,
            outcome.attached,
            outcome.signalled,
            outcome.destroyed,
            outcome.violations.len() as u64,
        ];
        let mut cells = [outcome.client, outcome.memory, outcome.planes()]
            .map(str::to_owned)
            .to_vec();
        cells.extend(counts.map(|count| count.to_string()));
        let well = outcome.exit == Exit::HELD;
        cells.push(if well { "ok" } else { "FAILED" }.to_owned());
        table.row(cells);
    }
    let details: String = outcomes.iter().map(Outcome::details).collect();
    table.plain() + &details
}

/// The first outcome that is not held decides.
pub(super) fn verdict(outcomes: &[Outcome]) -> Exit {
    Exit::first(outcomes.iter().map(|outcome| outcome.exit))
}

#[cfg(test)]
mod tests {
    use trace::wire::FenceCounts;

    use super::*;

    fn visit(counts: [u64; 3], failure: Option<&str>) -> Visit {
        let [attached, signalled, destroyed] = counts;
        Visit {
            failure: failure.map(str::to_owned),
            output: String::new(),
            errors: "first\nwhy\n".to_owned(),
            fences: FenceCounts {
                attached,
                signalled,
                destroyed,
                pending: 0,
            },
            violations: Vec::new(),
            provoked: Vec::new(),
        }
    }

    fn outcome(frames: u64, counts: [u64; 3], failure: Option<&str>) -> Outcome {
        let mut outcome = Outcome::new("c", "vmalloc", false);
        outcome.add(frames, visit(counts, failure));
        outcome.conclude(3, 2);
        outcome
    }

    #[test]
    fn every_frame_and_every_fence_counts() {
        assert_eq!(outcome(3, [6, 6, 6], None).exit, Exit::HELD);
        assert_eq!(outcome(3, [7, 7, 7], None).exit, Exit::HELD);
        let exits = [
            outcome(2, [6, 6, 6], None).exit,
            outcome(3, [5, 5, 5], None).exit,
            outcome(3, [6, 5, 6], None).exit,
            outcome(3, [6, 6, 5], None).exit,
            outcome(3, [6, 6, 6], Some("exit code 1")).exit,
        ];
        assert_eq!(exits, [Exit::TIMING; 5]);
    }

    #[test]
    fn a_failed_client_is_quoted() {
        let text = plain(&[outcome(0, [0; 3], Some("exit code 1"))]);
        assert!(
            text.contains("c, vmalloc, single-planar: exit code 1\n"),
            "{text}"
        );
        assert!(
            text.contains(": why\n") && text.contains(": 0 frames instead of 3\n"),
            "{text}"
        );
    }
}
