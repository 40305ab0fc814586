//! Running programs that nobody here wrote: a rig with packages of a Debian release, each program on a fresh boot, with the
//! judge on what the ledger saw.

use std::time::Duration;

use anyhow::{Context, bail};
use engine::Target;
use judge::{Expectation, Violation};
use trace::{
    Event, Trace,
    wire::{Ended, FenceCounts},
};

use crate::{
    commands::run,
    rig::{self, Inside, Rig, RigArgs},
    setup::{Options, Prepared},
    target::uml::{execution::Execution, inside},
};

/// The agent, which can tell where a node is.
const AGENT: &str = "/init";

/// Time of the guest for a program of the lab's own.
const SOON: Duration = Duration::from_secs(10);

/// A line of the kernel log that a program draws on purpose, and why it is no complaint about a driver.
#[derive(Debug, PartialEq, Eq)]
pub struct Provoked {
    /// Part of the line.
    pub line: &'static str,
    /// Why it is there.
    pub why: &'static str,
}

/// The target with their programs in it.
#[derive(Debug)]
pub struct Theirs {
    rig: Rig,
    provoked: &'static [Provoked],
}

/// What became of a program.
#[derive(Debug)]
pub struct Visit {
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
    /// What the ledger counted.
    pub fences: FenceCounts,
    /// What the judge found.
    pub violations: Vec<Violation>,
    /// The lines of the kernel log that were expected.
    pub provoked: Vec<&'static Provoked>,
}

impl Theirs {
    /// Prepares the target; does not boot.
    pub fn ready(
        options: &Options,
        args: &RigArgs,
        inside: Inside,
        provoked: &'static [Provoked],
    ) -> anyhow::Result<Theirs> {
        Theirs::on(
            &rig::prepare(options, args)?,
            options,
            args,
            inside,
            provoked,
        )
    }

    /// The same with what was prepared before.
    pub fn on(
        prepared: &Prepared,
        options: &Options,
        args: &RigArgs,
        inside: Inside,
        provoked: &'static [Provoked],
    ) -> anyhow::Result<Theirs> {
        Ok(Theirs {
            rig: rig::on(prepared, options, args, inside)?,
            provoked,
        })
    }

    /// Boots afresh.
    pub fn boot(&mut self) -> anyhow::Result<()> {
        self.rig.target.boot().map(drop)
    }

    /// Where the node is that the lab or sysfs calls this, in this boot.
    pub fn node(&mut self, name: &str) -> anyhow::Result<String> {
        let argv = [AGENT, "--node", name].map(str::to_owned);
        let executed = self.rig.target.exec(&argv, SOON)?.ended()?;
        if executed.end != Ended::Exited(0) {
            bail!("{}", String::from_utf8_lossy(&executed.errors).trim());
        }
        let path = String::from_utf8_lossy(&executed.output).trim().to_owned();
        Some(path)
            .filter(|path| !path.is_empty())
            .with_context(|| format!("the agent does not tell where {name} is"))
    }

    /// Runs the agent as one of its tools, which must succeed, and judges.
    pub fn agent(&mut self, words: &[&str]) -> anyhow::Result<Visit> {
        let argv: Vec<String> = [&[AGENT], words]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let execution = self.rig.target.exec(&argv, SOON)?;
        let trace = execution.trace();
        let mut visit = Visit::of(execution);
        if let Some(failure) = &visit.failure {
            bail!("{}: {failure}: {}", words.join(" "), visit.errors.trim());
        }
        visit.violations = run::judged(Expectation::default(), &trace);
        Ok(visit)
    }

    /// Runs one of their programs and judges.
    pub fn visit(
        &mut self,
        words: &[String],
        limit: Duration,
        expectation: Expectation,
    ) -> anyhow::Result<Visit> {
        let argv = inside::command(words);
        let execution = self.rig.target.exec(&argv, limit)?;
        let mut trace = execution.trace();
        let provoked = set_apart(&mut trace, self.provoked);
        let mut visit = Visit::of(execution);
        visit.violations = run::judged(expectation, &trace);
        visit.provoked = provoked;
        Ok(visit)
    }
}

impl Visit {
    fn of(execution: Execution) -> Visit {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (failure, output, errors, fences) = match &execution {
            Execution::Ended(executed) => (
                run::failure(executed.end),
                text(&executed.output),
                text(&executed.errors),
                executed.fences,
            ),
            Execution::Died { how, log } => (
                Some(format!("the kernel died: {how:?}")),
                String::new(),
                log.join("\n"),
                FenceCounts::default(),
            ),
        };
        Visit {
            failure,
            output,
            errors,
            fences,
            violations: Vec::new(),
            provoked: Vec::new(),
        }
    }
}

/// Takes the lines that were expected out of the trace, and gives each that there was, once.
fn set_apart(trace: &mut Trace, known: &'static [Provoked]) -> Vec<&'static Provoked> {
    let mut seen: Vec<&Provoked> = Vec::new();
    trace.events.retain(|event| {
        let Event::Log { text, .. } = event else {
            return true;
        };
        let found = known.iter().find(|provoked| text.contains(provoked.line));
        if let Some(provoked) = found.filter(|provoked| !seen.contains(provoked)) {
            seen.push(provoked);
        }
        found.is_none()
    });
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    static KNOWN: [Provoked; 2] = [
        Provoked {
            line: "is deprecated",
            why: "because",
        },
        Provoked {
            line: "never said",
            why: "",
        },
    ];

    #[test]
    fn what_a_program_provokes_is_no_complaint_but_anything_else_is() {
        let log = |text: &str| Event::Log {
            level: 4,
            text: text.to_owned(),
        };
        let lines = ["x is deprecated", "WARNING: y", "z is deprecated, too"];
        let mut trace = Trace {
            events: lines.map(log).into(),
        };
        let seen = set_apart(&mut trace, &KNOWN);
        assert_eq!(seen, [&KNOWN[0]]);
        assert_eq!(trace.events, [log("WARNING: y")]);
    }

    #[test]
    fn a_dead_kernel_is_a_failure() {
        let visit = Visit::of(Execution::Died {
            how: trace::Death::Panic,
            log: vec!["Kernel panic".to_owned()],
        });
        assert!(visit.failure.is_some_and(|why| why.contains("Panic")));
        assert!(visit.errors.contains("Kernel panic"));
    }
}
