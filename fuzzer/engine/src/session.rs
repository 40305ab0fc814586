//! A [`Target`] with a judge beside it: runs programs, judges what was seen, boots afresh when a kernel is spoilt.

use anyhow::Result;
use judge::{Expectation, Violation};
use program::Program;
use trace::{
    Event, Trace,
    wire::{FenceCounts, Report, Study},
};

use crate::{
    finding::Key,
    leaks,
    target::{Ran, Target},
};

/// What one run of a program gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Everything observed; a run that killed the target has its last log lines and [`Event::Died`].
    pub trace: Trace,
    /// Folded coverage: cell and hit count.
    pub coverage: Vec<(u16, u8)>,
    /// Fence totals.
    pub fences: FenceCounts,
    /// What the judge found, in the judge's order.
    pub violations: Vec<Violation>,
}

impl Run {
    /// True if the judge found this.
    pub fn shows(&self, key: &Key) -> bool {
        self.violations
            .iter()
            .any(|violation| Key::of(violation) == *key)
    }
}

/// What a session does about leaked memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaks {
    /// Nothing.
    Ignored,
    /// It remembers the programs since the last scan.
    Collected,
    /// It scans after every run, which is slow, and puts what it finds into the trace.
    Told,
}

/// Runs programs on a target and judges them.
///
/// # Invariants
///
/// `spoilt` is true unless the target has been booted and every run since then was without a violation and came to its end.
/// A kernel that broke its contract once may carry the damage into the next program, so it is never used again.
pub struct Session<'t> {
    target: &'t mut dyn Target,
    expectation: Expectation,
    spoilt: bool,
    leaks: Leaks,
    /// Programs since the last scan for leaks, if there are such scans.
    unscanned: Vec<Program>,
    boots: u64,
}

impl<'t> Session<'t> {
    /// A session that boots the target before the first run.
    pub fn new(target: &'t mut dyn Target, expectation: Expectation) -> Self {
        Session {
            target,
            expectation,
            spoilt: true,
            leaks: Leaks::Ignored,
            unscanned: Vec::new(),
            boots: 0,
        }
    }

    /// Runs a program on the current kernel, or on a fresh one if the current one is spoilt.
    pub fn observe(&mut self, program: &Program, coverage: bool) -> Result<Run> {
        if self.spoilt {
            self.boot()?;
        }
        let ran = self.target.run(program, coverage)?;
        let mut run = self.judged(program, ran);
        match self.leaks {
            Leaks::Ignored => {}
            Leaks::Collected => self.unscanned.push(program.clone()),
            Leaks::Told if died(&run.trace) => {}
            Leaks::Told => {
                run.trace.events.extend(self.scan()?);
                run.violations = self.judge(program, &run.trace);
            }
        }
        self.spoilt = !run.violations.is_empty() || run.trace.is_stuck();
        Ok(run)
    }

    /// Looks at a program closely; none if the target did not survive that.
    pub fn study(&mut self, program: &Program) -> Result<Option<Study>> {
        if self.spoilt {
            self.boot()?;
        }
        let study = self.target.study(program)?;
        self.spoilt = study.is_none();
        Ok(study)
    }

    /// Runs a program as the first one of a fresh kernel.
    pub fn observe_afresh(&mut self, program: &Program) -> Result<Run> {
        self.spoilt = true;
        self.observe(program, false)
    }

    /// What is done about leaked memory from now on. Unless it is ignored the kernel must have kmemleak on.
    pub fn set_leaks(&mut self, leaks: Leaks) {
        self.leaks = leaks;
        // What leaked before is not the next program's: it gets a fresh kernel, whose own leaks are known.
        self.spoilt = true;
    }

    /// What leaked since the boot or the last scan.
    pub(crate) fn scan(&mut self) -> Result<Vec<Event>> {
        self.unscanned.clear();
        leaks::scan(self.target)
    }

    /// Programs that ran on this kernel since the last scan for leaks; none on a kernel that is spoilt.
    pub(crate) fn unscanned(&self) -> &[Program] {
        if self.spoilt { &[] } else { &self.unscanned }
    }

    /// How often this session booted the target.
    pub fn boots(&self) -> u64 {
        self.boots
    }

    /// The target itself, for requests that are no programs.
    pub fn target(&mut self) -> &mut dyn Target {
        self.target
    }

    /// What the judge says about a trace from this target.
    pub fn judge(&self, program: &Program, trace: &Trace) -> Vec<Violation> {
        judge::judge_with(&self.expectation, program, trace)
    }

    /// The calls of a trace from this target, compared with the reference model.
    pub fn story(&self, program: &Program, trace: &Trace) -> judge::Story {
        judge::story(&self.expectation, program, trace)
    }

    fn judged(&self, program: &Program, ran: Ran) -> Run {
        let report = match ran {
            Ran::Report(report) => *report,
            Ran::Died { how, log } => Report {
                trace: death(how, log),
                ..Report::default()
            },
        };
        let violations = self.judge(program, &report.trace);
        let Report {
            trace,
            coverage,
            fences,
        } = report;
        Run {
            trace,
            coverage,
            fences,
            violations,
        }
    }

    /// Boots afresh.
    pub fn boot(&mut self) -> Result<()> {
        self.target.boot()?;
        self.boots += 1;
        if self.leaks != Leaks::Ignored {
            // What the boot itself leaks is no program's fault.
            self.scan()?;
        }
        // INVARIANT: nothing ran on this kernel yet.
        self.spoilt = false;
        Ok(())
    }
}

fn died(trace: &Trace) -> bool {
    matches!(trace.events.last(), Some(Event::Died { .. }))
}

/// The level of the lines that a dying kernel leaves on its console, which do not tell theirs: `KERN_ERR`.
const CONSOLE_LEVEL: u8 = 3;

/// What is left of a run under which the target died: the last lines of its console, and that it died.
pub fn death(how: trace::Death, log: Vec<String>) -> Trace {
    let line = |text| Event::Log {
        level: CONSOLE_LEVEL,
        text,
    };
    let events = log
        .into_iter()
        .map(line)
        .chain([Event::Died { how }])
        .collect();
    Trace { events }
}
