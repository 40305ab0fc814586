//! What a campaign shows while it runs, and where its findings go.

use std::{
    io::IsTerminal,
    path::PathBuf,
    time::{Duration, Instant},
};

use engine::{Bound, Events, Finding, Key, Stats};
use indicatif::{ProgressBar, ProgressStyle};

use super::summary::BOUND;
use crate::{
    findings::{self, Folder, Origin},
    interrupt,
    reproducer::{Bench, Reproduction},
    rig::RigArgs,
};

/// How often a terminal is drawn anew.
const DRAW_EVERY: Duration = Duration::from_millis(250);
/// How often a log without a terminal hears from the campaign.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Shows progress, and keeps every finding as soon as it is made.
pub(super) struct Console<'a> {
    root: PathBuf,
    origin: Origin,
    /// Where the C programs of findings are tried, and on what.
    bench: (Bench<'a>, &'a RigArgs),
    /// The command that repeats the campaign, with a place for how far.
    line: String,
    programs: u64,
    bound: Bound,
    bar: Option<ProgressBar>,
    shown: Instant,
    kept: Vec<PathBuf>,
}

impl<'a> Console<'a> {
    /// Begins; findings go below `root`, and their C programs are tried on the bench.
    pub(super) fn begin(
        root: PathBuf,
        origin: Origin,
        line: String,
        bound: Bound,
        bench: (Bench<'a>, &'a RigArgs),
    ) -> Console<'a> {
        let bar = std::io::stderr().is_terminal().then(|| bar(bound));
        Console {
            root,
            origin,
            bench,
            line,
            programs: 0,
            bound,
            bar,
            shown: Instant::now(),
            kept: Vec::new(),
        }
    }

    /// Ends; gives the command that repeats the campaign, and the folders of the findings in their order.
    pub(super) fn end(mut self) -> (String, Vec<PathBuf>) {
        (self.repeat(), std::mem::take(&mut self.kept))
    }

    fn repeat(&self) -> String {
        self.line.replace(BOUND, &self.programs.to_string())
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }
}

impl Events for Console<'_> {
    fn progress(&mut self, stats: &Stats) {
        self.programs = stats.programs;
        let every = if self.bar.is_some() {
            DRAW_EVERY
        } else {
            PLAIN_EVERY
        };
        if self.shown.elapsed() < every {
            return;
        }
        self.shown = Instant::now();
        match &self.bar {
            Some(bar) => {
                bar.set_position(position(self.bound, stats));
                bar.set_message(numbers(stats));
            }
            None => eprintln!(
                "{:5.0} s: {}",
                stats.seconds + stats.triage_seconds,
                numbers(stats)
            ),
        }
    }

    fn suspect(&mut self, key: &Key) {
        self.say(&format!(
            "{key}\n  replaying on fresh boots and minimising …"
        ));
    }

    fn finding(&mut self, finding: &Finding) -> anyhow::Result<()> {
        let mut reproduction = Reproduction::new(finding, &self.origin);
        let (bench, args) = self.bench;
        reproduction.run(&bench, args);
        let line = self.repeat();
        let path = Folder::write(&self.root, finding, &self.origin, &line, &reproduction)?;
        let (before, after) = (finding.original.steps.len(), finding.program.steps.len());
        let reproduced = findings::reproduced(finding);
        self.say(&format!(
            "  reproduced: {reproduced}, minimised from {before} to {after} operations: {}",
            path.display()
        ));
        self.say(&format!("  as C: {}", reproduction.words()));
        self.kept.push(path);
        Ok(())
    }

    fn interrupted(&self) -> bool {
        interrupt::requested()
    }
}

impl Drop for Console<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn position(bound: Bound, stats: &Stats) -> u64 {
    match bound {
        Bound::Programs(_) => stats.programs,
        Bound::Time(_) => (stats.seconds + stats.triage_seconds) as u64,
    }
}

fn numbers(stats: &Stats) -> String {
    format!(
        "{} programs, {:.0}/s, {} operations/s, coverage {}, corpus {}, findings {}",
        stats.programs,
        stats.programs_per_s(),
        stats.operations_per_s() as u64,
        stats.coverage,
        stats.corpus,
        stats.findings
    )
}

fn bar(bound: Bound) -> ProgressBar {
    let (length, unit) = match bound {
        Bound::Programs(programs) => (programs, "programs"),
        Bound::Time(time) => (time.as_secs(), "s"),
    };
    let template = format!("{{bar:20}} {{pos}}/{{len}} {unit}  {{msg}}");
    let style =
        ProgressStyle::with_template(&template).expect("the template is constant and valid");
    ProgressBar::new(length).with_style(style)
}
