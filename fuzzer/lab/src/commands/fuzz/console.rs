//! What a campaign says while it runs where there is no terminal, or where somebody wants lines.

use std::time::{Duration, Instant};

use engine::Stats;

use crate::campaign::{Screen, Total};

/// How often it says where it is.
const EVERY: Duration = Duration::from_secs(10);

/// Plain lines on standard error.
pub(super) struct Console {
    spoke: Instant,
}

impl Console {
    /// Begins.
    pub(super) fn begin() -> Console {
        Console {
            spoke: Instant::now(),
        }
    }
}

impl Screen for Console {
    fn show(&mut self, total: &Total) {
        if self.spoke.elapsed() < EVERY {
            return;
        }
        self.spoke = Instant::now();
        let stats = &total.stats;
        let seconds = stats.seconds + stats.triage_seconds;
        eprintln!("{seconds:5.0} s: {}", numbers(stats));
    }

    fn say(&mut self, line: &str) {
        eprintln!("{line}");
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
