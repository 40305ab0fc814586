//! What a campaign shows while it runs: a bar on a terminal, plain lines elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use engine::{Bound, Stats};
use indicatif::{ProgressBar, ProgressStyle};

use crate::campaign::{Screen, Total};

/// How often a log without a terminal hears from the campaign.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// The bar, or what stands for it.
pub(super) struct Console {
    bound: Bound,
    bar: Option<ProgressBar>,
    shown: Instant,
}

impl Console {
    /// Begins.
    pub(super) fn begin(bound: Bound) -> Console {
        let bar = std::io::stderr().is_terminal().then(|| bar(bound));
        Console {
            bound,
            bar,
            shown: Instant::now(),
        }
    }
}

impl Screen for Console {
    fn show(&mut self, total: &Total) {
        let stats = &total.stats;
        match &self.bar {
            Some(bar) => {
                bar.set_position(position(self.bound, stats));
                bar.set_message(numbers(stats));
            }
            None if self.shown.elapsed() < PLAIN_EVERY => {}
            None => {
                self.shown = Instant::now();
                eprintln!(
                    "{:5.0} s: {}",
                    stats.seconds + stats.triage_seconds,
                    numbers(stats)
                );
            }
        }
    }

    fn say(&mut self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }
}

impl Drop for Console {
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
