//! One run of the compositor, the table of all of them, and what follows from it.

use std::collections::BTreeMap;

use compositor::{Report, Spread, Wait};
use judge::Violation;
use serde::Serialize;

use super::Kernel;
use crate::{exit::Exit, table::Table};

/// What one run gave.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Outcome {
    /// On which kernel.
    pub(super) kernel: &'static str,
    /// What the compositor saw.
    #[serde(flatten)]
    pub(super) report: Report,
    /// What the judge found in the ledger's records.
    #[serde(flatten)]
    pub(super) violations: Violations,
}

/// Broken invariants, and the class of the first violation.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Violations {
    violations: BTreeMap<String, usize>,
    #[serde(skip)]
    exit: Option<u8>,
}

impl From<Vec<Violation>> for Violations {
    fn from(found: Vec<Violation>) -> Self {
        let mut violations = BTreeMap::new();
        for violation in &found {
            *violations
                .entry(violation.invariant.to_string())
                .or_default() += 1;
        }
        let exit = found
            .first()
            .map(|first| first.invariant.class().exit_code());
        Self { violations, exit }
    }
}

impl Violations {
    fn words(&self) -> String {
        if self.violations.is_empty() {
            return "held".to_owned();
        }
        let words = self
            .violations
            .iter()
            .map(|(invariant, count)| format!("{invariant} ×{count}"));
        words.collect::<Vec<_>>().join(", ")
    }
}

const HEAD: [&str; 13] = [
    "kernel",
    "driver",
    "hand-over",
    "wait",
    "frames",
    "early",
    "waits",
    "pending",
    "endless",
    "no fence",
    "hand-over→use [ms]",
    "last write→use [µs]",
    "judge",
];

/// What the columns of times hold.
const TIMES: &str = "times of the guest's clock: minimum / median / 99th percentile / maximum";

fn table(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new(&HEAD);
    for outcome in outcomes {
        table.row(cells(outcome));
    }
    table
}

fn cells(outcome: &Outcome) -> Vec<String> {
    let report = &outcome.report;
    let hand_over = match report.starve {
        Some(frame) => format!("{}, dry from {frame}", report.hand_over.name()),
        None => report.hand_over.name().to_owned(),
    };
    let mut cells = vec![
        outcome.kernel.to_owned(),
        report.driver.clone(),
        hand_over,
        report.wait.name().to_owned(),
    ];
    let counts = [
        report.frames,
        report.early,
        report.waits,
        report.pending,
        report.endless,
        report.without_fence,
    ];
    cells.extend(counts.map(|count| count.to_string()));
    cells.push(spread(report.after_hand_over, 1e6));
    cells.push(spread(report.after_last_write, 1e3));
    cells.push(outcome.violations.words());
    cells
}

fn spread(spread: Option<Spread>, unit: f64) -> String {
    let Some(Spread {
        min,
        median,
        p99,
        max,
    }) = spread
    else {
        return "-".to_owned();
    };
    let times = [min, median, p99, max].map(|time| format!("{:.3}", time as f64 / unit));
    times.join(" / ")
}

/// For the terminal.
pub(super) fn plain(outcomes: &[Outcome]) -> String {
    format!("{}{TIMES}\n", table(outcomes).plain())
}

/// For a page.
pub(super) fn markdown(outcomes: &[Outcome]) -> String {
    format!("{}\n{TIMES}\n", table(outcomes).markdown())
}

/// What the kernel with the series promises to a compositor that waits.
pub(super) fn verdict(outcomes: &[Outcome]) -> Exit {
    let series = || {
        outcomes
            .iter()
            .filter(|outcome| outcome.kernel == Kernel::Series.name())
    };
    let mut waiting = series().map(|outcome| &outcome.report);
    let mut waiting = waiting.by_ref().filter(|report| report.wait != Wait::None);
    let broken = waiting.find_map(|report| match report {
        Report { early: 1.., .. } => Some(Exit::EARLY),
        Report { endless: 1.., .. } => Some(Exit::TIMING),
        Report { errors: 1.., .. } => Some(Exit::STATUS),
        _ => None,
    });
    let judged = series().find_map(|outcome| outcome.violations.exit.map(Exit));
    broken.or(judged).unwrap_or(Exit::HELD)
}

#[cfg(test)]
mod tests {
    use compositor::HandOver;

    use super::*;

    fn outcome(kernel: Kernel, wait: Wait) -> Outcome {
        Outcome {
            kernel: kernel.name(),
            report: Report {
                driver: "double".into(),
                hand_over: HandOver::Armed,
                wait,
                starve: None,
                frames: 30,
                early: 0,
                waits: 30,
                endless: 0,
                stub: 0,
                pending: 30,
                without_fence: 0,
                errors: 0,
                after_hand_over: Spread::of(vec![1_500_000]),
                after_last_write: None,
                after_input: None,
            },
            violations: Violations::default(),
        }
    }

    #[test]
    fn only_who_waits_on_the_series_is_promised_anything() {
        let mut early = outcome(Kernel::Vanilla, Wait::Fence);
        early.report.early = 3;
        let mut careless = outcome(Kernel::Series, Wait::None);
        careless.report.early = 3;
        assert_eq!(verdict(&[early, careless.clone()]), Exit::HELD);
        careless.report.wait = Wait::Poll;
        assert_eq!(verdict(&[careless]), Exit::EARLY);
        let mut endless = outcome(Kernel::Series, Wait::Fence);
        endless.report.endless = 1;
        assert_eq!(verdict(&[endless]), Exit::TIMING);
    }

    #[test]
    fn what_the_judge_found_on_the_series_counts() {
        let mut judged = outcome(Kernel::Series, Wait::None);
        judged.violations.exit = Some(12);
        assert_eq!(verdict(&[judged.clone()]), Exit::LIFECYCLE);
        judged.kernel = Kernel::Draft.name();
        assert_eq!(verdict(&[judged]), Exit::HELD);
    }

    #[test]
    fn a_row_tells_all_of_it() {
        let row = plain(&[outcome(Kernel::Draft, Wait::Fence)]);
        for word in ["draft", "double", "armed", "fence", "1.500 / 1.500", "held"] {
            assert!(row.contains(word), "{row}");
        }
    }
}
