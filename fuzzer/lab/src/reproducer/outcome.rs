//! Running a reproducer in a guest where no agent executes a program and no judge is needed, and what it said.

use std::{path::PathBuf, time::Duration};

use judge::Invariant;
use program::Program;
use trace::{Trace, wire::Ended};

use super::{Built, Sight, Source};
use crate::{
    rig::{self, Inside, RigArgs},
    setup::{Options, Prepared},
    target::uml::execution::Execution,
};

/// Time of the guest that a reproducer may take.
const LIMIT: Duration = Duration::from_secs(120);
/// Where it stands in the guest.
const PLACE: &str = "/bin/reproducer";

/// Whether a reproducer shows its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It failed, or the kernel complained or died, as it was to.
    Failed,
    /// It ran to its end without a failure.
    Held,
    /// It could not look.
    Unseen,
    /// It is not made to see it; the ledger saw it while it ran.
    InLedger,
}

impl Shown {
    /// In a word or two.
    pub fn words(self) -> &'static str {
        match self {
            Shown::Failed => "FAIL",
            Shown::Held => "ok",
            Shown::Unseen => "cannot tell",
            Shown::InLedger => "in the ledger alone",
        }
    }

    /// Whether the failure was there.
    pub fn is_failure(self) -> bool {
        matches!(self, Shown::Failed | Shown::InLedger)
    }
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the failure showed.
    pub shown: Shown,
    /// What it printed; the console's last lines if the kernel died.
    pub output: String,
}

/// Where reproducers run.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The kernel.
    pub prepared: Prepared,
    /// What it was asked for with.
    pub options: Options,
}

impl Bench {
    /// Runs a reproducer on a fresh boot.
    pub fn run(&self, args: &RigArgs, built: &Built, source: &Source) -> anyhow::Result<Outcome> {
        let inside = Inside::of(vec![(built.program(), PathBuf::from(PLACE))]);
        let mut rig = rig::on(&self.prepared, &self.options, args, inside)?;
        let execution = rig.target.exec(&[PLACE.to_owned()], LIMIT)?;
        Ok(Outcome {
            shown: shown(&execution, args, source),
            output: output(&execution),
        })
    }
}

fn shown(execution: &Execution, args: &RigArgs, source: &Source) -> Shown {
    let trace = execution.trace();
    let broken = |name: &str| breaks(args, &trace, name);
    match (execution, source.sight) {
        (Execution::Died { .. }, Sight::Log) => Shown::Failed,
        (Execution::Died { .. }, _) => Shown::Unseen,
        (_, Sight::Log) if broken("I27") => Shown::Failed,
        (_, Sight::Ledger) if broken(&source.invariant) => Shown::InLedger,
        (_, Sight::Ledger) => Shown::Held,
        (Execution::Ended(ended), _) => match ended.end {
            Ended::Exited(1) => Shown::Failed,
            Ended::Exited(0) => Shown::Held,
            _ => Shown::Unseen,
        },
    }
}

/// Whether the judge finds this invariant broken in what the ledger and the log told.
fn breaks(args: &RigArgs, trace: &Trace, name: &str) -> bool {
    let violations = judge::judge_with(&args.expectation(), &Program::default(), trace);
    let named = |invariant: Invariant| invariant.to_string() == name;
    violations
        .iter()
        .any(|violation| named(violation.invariant))
}

fn output(execution: &Execution) -> String {
    match execution {
        Execution::Ended(ended) => {
            let printed = [&ended.output[..], &ended.errors[..]].concat();
            String::from_utf8_lossy(&printed).into_owned()
        }
        Execution::Died { how, log } => format!("the guest died ({how:?}):\n{}\n", log.join("\n")),
    }
}
