//! A finding as C: which check shows it in user space, the file, and what the file says when it runs in a guest of its own.

mod built;
mod head;
mod outcome;
mod symptom;

use anyhow::ensure;
use engine::{Finding, Key};
use judge::Violation;
use program::{
    Driver, Program,
    c::{Probe, Reproducer, Symptom},
};
use serde::{Deserialize, Serialize};
use trace::Trace;

pub use built::Built;
pub use outcome::{Bench, Outcome, Shown};

use crate::{findings::Origin, rig::RigArgs};

/// A reproducer, before it is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub text: String,
    /// Where the failure shows.
    pub sight: Sight,
    /// The invariant that is broken.
    pub invariant: String,
}

/// Where a failure shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sight {
    /// In what system calls return.
    Calls,
    /// In the kernel's log.
    Log,
    /// In the ledger alone.
    Ledger,
}

impl Sight {
    fn of(probe: Probe) -> Sight {
        match probe {
            Probe::Log => Sight::Log,
            Probe::Hidden => Sight::Ledger,
            _ => Sight::Calls,
        }
    }
}

/// Makes the file for a violation that this trace of the program shows. An error says why there can be none.
pub fn source(
    program: &Program,
    trace: &Trace,
    violation: &Violation,
    origin: &Origin,
) -> anyhow::Result<Source> {
    let driver = Driver::named(&origin.setup.driver).unwrap_or_default();
    // `open double` opens the first node.
    let first = origin.setup.shape.nodes.first();
    let mplane = first.is_some_and(|node| node.name().ends_with("mplane"));
    ensure!(!mplane, "multi-planar queues are not told in C");
    let symptom = symptom::of(program, trace, violation, driver);
    let text = text(program, driver, violation, &symptom, origin)?;
    Ok(Source {
        text,
        sight: Sight::of(symptom.probe),
        invariant: violation.invariant.to_string(),
    })
}

fn text(
    program: &Program,
    driver: Driver,
    violation: &Violation,
    symptom: &Symptom,
    origin: &Origin,
) -> anyhow::Result<String> {
    let reproducer = Reproducer {
        program,
        driver,
        attach: &origin.setup.attach,
        symptom,
        head: head::paragraphs(program, violation, symptom, origin),
    };
    Ok(reproducer.source()?)
}

/// A finding's C program, and what came of running it.
#[derive(Clone, Debug)]
pub struct Reproduction {
    /// The file, or why there is none.
    pub source: Result<Source, String>,
    /// What it said, or why it was not run.
    pub outcome: Result<Outcome, String>,
}

impl Reproduction {
    /// Makes the file for a finding.
    pub fn new(finding: &Finding, origin: &Origin) -> Reproduction {
        let of_key = |violation: &&Violation| Key::of(violation) == finding.key;
        let source = match finding.violations.iter().find(of_key) {
            Some(violation) => source(&finding.program, &finding.trace, violation, origin)
                .map_err(|error| format!("{error:#}")),
            None => Err("what does not repeat has no program that shows it".to_owned()),
        };
        Reproduction {
            source,
            outcome: Err("it was not run".to_owned()),
        }
    }

    /// Builds it and runs it. What goes wrong is told in the report: a finding is worth having without it.
    pub fn run(&mut self, bench: &Bench, args: &RigArgs) {
        let Ok(source) = &self.source else {
            return;
        };
        let outcome =
            Built::of_text(&source.text).and_then(|built| bench.run(args, &built, source));
        self.outcome = outcome.map_err(|error| format!("{error:#}"));
    }

    /// What came of it, in a few words.
    pub fn words(&self) -> String {
        match (&self.source, &self.outcome) {
            (Err(why), _) => format!("no program: {why}"),
            (_, Err(why)) => why.clone(),
            (_, Ok(outcome)) => outcome.shown.words().to_owned(),
        }
    }
}
