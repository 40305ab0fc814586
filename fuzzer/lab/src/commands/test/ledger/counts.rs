//! Equal programs give equal counts, whether the driver knows of the ledger or not.

use std::{collections::BTreeMap, fmt, fs};

use anyhow::ensure;
use program::Driver;
use trace::{Event, FenceId, Kind, Trace};

use super::{
    super::lab::lab,
    {Check, Context},
};
use crate::{commands::judge::read_trace, exit::Exit};

/// The program.
const PROGRAM: &str = include_str!("equal.vb2");

/// Jobs in it, and CAPTURE buffers that are queued and get none.
const JOBS: u64 = 2;
const LEFT: u64 = 1;

/// Checks of the counts.
pub(super) fn checks() -> Vec<Check> {
    vec![Check::new(
        "ledger: counts the same on the double, vim2m and vicodec",
        equal,
    )]
}

/// What the ledger counted of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) queued: u64,
    pub(super) done: u64,
    pub(super) inits: u64,
    pub(super) attaches: u64,
    pub(super) signals: u64,
    pub(super) destroys: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} queued, {} done, fences {} init, {} attached, {} signalled, {} destroyed",
            self.queued, self.done, self.inits, self.attaches, self.signals, self.destroys
        )
    }
}

/// Counts by queue: OUTPUT, then CAPTURE.
pub(super) fn counts(trace: &Trace) -> [Counts; 2] {
    let kinds = || {
        trace.events.iter().filter_map(|event| match event {
            Event::Ledger(record) => Some(record.kind),
            _ => None,
        })
    };
    let attached = kinds().filter_map(|kind| match kind {
        Kind::Attach { fence, buffer, .. } => Some((fence, buffer.output)),
        _ => None,
    });
    // A fence that was never attached belongs to nobody, and is missed in the counts.
    let side: BTreeMap<FenceId, bool> = attached.collect();
    let mut counts = [Counts::default(); 2];
    for kind in kinds() {
        let output = match kind {
            Kind::Queue { buffer }
            | Kind::Done { buffer, .. }
            | Kind::Job { buffer, .. }
            | Kind::Userptr { buffer } => Some(buffer.output),
            Kind::Init { fence }
            | Kind::Attach { fence, .. }
            | Kind::Signal { fence, .. }
            | Kind::Destroy { fence }
            | Kind::Again { fence } => side.get(&fence).copied(),
        };
        if let Some(output) = output {
            counts[usize::from(!output)].add(&kind);
        }
    }
    counts
}

impl Counts {
    fn add(&mut self, kind: &Kind) {
        match kind {
            Kind::Queue { .. } => self.queued += 1,
            Kind::Done { .. } => self.done += 1,
            Kind::Init { .. } => self.inits += 1,
            Kind::Attach { .. } => self.attaches += 1,
            Kind::Signal { .. } => self.signals += 1,
            Kind::Destroy { .. } => self.destroys += 1,
            Kind::Job { .. } | Kind::Again { .. } | Kind::Userptr { .. } => {}
        }
    }

    /// So many jobs, and buffers that no job used.
    fn of(jobs: u64, left: u64) -> Self {
        Self {
            queued: jobs + left,
            done: jobs + left,
            inits: jobs,
            attaches: jobs,
            signals: jobs,
            destroys: jobs,
        }
    }
}

fn equal(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("equal.vb2");
    fs::write(&program, PROGRAM)?;
    let expected = [Counts::of(JOBS, 0), Counts::of(JOBS, LEFT)];
    for driver in Driver::ALL {
        let traces = folder.path().join(driver.name());
        let words = [
            "replay",
            "--driver",
            driver.name(),
            "--trace-dir",
            &traces.display().to_string(),
            &program.display().to_string(),
        ];
        lab(context, &words)?.expect(Exit::HELD)?;
        let found = counts(&read_trace(&traces.join("equal.jsonl"))?.trace);
        for (side, found, expected) in [
            ("OUTPUT", found[0], expected[0]),
            ("CAPTURE", found[1], expected[1]),
        ] {
            ensure!(
                found == expected,
                "{}, {side}: {found}\n  instead of {expected}",
                driver.name()
            );
        }
    }
    Ok(())
}
