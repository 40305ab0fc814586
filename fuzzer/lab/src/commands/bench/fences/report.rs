//! The table, for people, for mails and for machines.

use serde::Serialize;

use super::{
    Rounds,
    contender::Role,
    measure::{Measure, Side},
    statistics::Estimate,
};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// What makes it again.
    pub(super) command: String,
    /// Version of the kernel.
    pub(super) kernel: String,
    /// The core that all of it ran on.
    pub(super) core: usize,
    /// How often each kernel was measured.
    pub(super) rounds: u32,
    /// How surely the intervals cover the medians.
    pub(super) coverage: f64,
    /// A row a measure.
    pub(super) measures: Vec<Row>,
    /// Fences that were attached in a run of its own.
    pub(super) attached: Vec<Attached>,
}

/// How many fences some jobs had.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Attached {
    /// On which kernel.
    pub(super) kernel: Role,
    /// Of which driver.
    pub(super) driver: &'static str,
    /// So many jobs.
    pub(super) jobs: u64,
    /// So many fences.
    pub(super) attached: u64,
}

/// What one measure came to.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    name: &'static str,
    what: &'static str,
    side: Side,
    cycles: u32,
    vanilla_ns: Estimate,
    /// The kernel without the series, against itself.
    control: Comparison,
    not_opted_in: Comparison,
    opted_in: Comparison,
    /// How far from 1 a ratio can be without meaning anything.
    noise: f64,
}

/// A kernel against the one without the series.
#[derive(Debug, Serialize)]
struct Comparison {
    ratio: Estimate,
    difference_ns: Estimate,
    within_noise: bool,
}

impl Row {
    /// Compares what was taken in the same round from one side, if it was.
    pub(super) fn new(measure: &Measure, side: Side, cycles: u32, rounds: &Rounds) -> Option<Row> {
        let of = |role: Role| nanoseconds(rounds, role, side);
        let vanilla = of(Role::Vanilla)?;
        let [control, not_opted_in, opted_in] = [
            of(Role::Control)?,
            of(Role::NotOptedIn)?,
            of(Role::OptedIn)?,
        ];
        let noise = paired(&control, &vanilla, ratio).distance_from_one();
        let compare = |kernel: &[f64]| Comparison::new(kernel, &vanilla, noise);
        Some(Row {
            name: measure.name,
            what: measure.what,
            side,
            cycles,
            vanilla_ns: Estimate::of(vanilla.clone()),
            control: compare(&control),
            not_opted_in: compare(&not_opted_in),
            opted_in: compare(&opted_in),
            noise,
        })
    }
}

/// What a kernel took in each round, if that can be told from this side.
fn nanoseconds(rounds: &Rounds, role: Role, side: Side) -> Option<Vec<f64>> {
    let of = rounds.iter().map(|round| round[role as usize].from(side));
    of.collect()
}

fn ratio(kernel: f64, vanilla: f64) -> f64 {
    kernel / vanilla
}

/// Compares what belongs to the same round.
fn paired(kernel: &[f64], vanilla: &[f64], compare: fn(f64, f64) -> f64) -> Estimate {
    let both = std::iter::zip(kernel, vanilla);
    Estimate::of(
        both.map(|(kernel, vanilla)| compare(*kernel, *vanilla))
            .collect(),
    )
}

/// Columns of the table.
const COLUMNS: usize = 1 + Role::ALL.len();

fn aligned(rows: &[[String; COLUMNS]]) -> String {
    let length = |row: &[String; COLUMNS], column: usize| row[column].chars().count();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let lengths = rows.iter().map(|row| length(row, column));
        lengths.max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in rows {
        let cells = std::iter::zip(row, widths).map(|(cell, width)| format!("{cell:width$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

fn line(cells: &[String; COLUMNS]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

impl Report {
    /// For a terminal.
    pub(super) fn text(&self) -> String {
        let tables = Side::ALL.map(|side| aligned(&self.cells(side)));
        tables.join("\n") + "\n" + &self.notes()
    }

    /// The same for a mail or a web page.
    pub(super) fn markdown(&self) -> String {
        let tables = Side::ALL.map(|side| {
            let mut lines: Vec<_> = self.cells(side).iter().map(line).collect();
            lines.insert(1, "| --- | --: | --: | --: | --: |\n".into());
            lines.concat()
        });
        tables.join("\n") + "\n" + &self.notes()
    }

    /// What the table of one side says, its head first.
    fn cells(&self, side: Side) -> Vec<[String; COLUMNS]> {
        let [vanilla, control, not_opted_in, opted_in] = Role::ALL.map(Role::title);
        let head = [side.title(), vanilla, control, not_opted_in, opted_in].map(str::to_owned);
        let of_side = self.measures.iter().filter(|row| row.side == side);
        std::iter::once(head)
            .chain(of_side.map(Row::cells))
            .collect()
    }

    fn notes(&self) -> String {
        format!(
            "Linux {} as User-Mode Linux, real time, core {}, {} rounds: medians in ns and, against the kernel without the \
             series, ratios and differences; intervals cover them with {:.1} %. «=» means within noise.\n{}\n\
             Made by: {}\n",
            self.kernel,
            self.core,
            self.rounds,
            100.0 * self.coverage,
            self.attached_line(),
            self.command
        )
    }

    fn attached_line(&self) -> String {
        let of = |role: Role| {
            let counts = self.attached.iter().filter(|count| count.kernel == role);
            let told: Vec<_> = counts
                .map(|count| format!("{} {}/{}", count.driver, count.attached, count.jobs))
                .collect();
            format!("{}: {}", role.title(), told.join(", "))
        };
        format!(
            "Fences attached / jobs, counted separately: {}; {}; {}.",
            of(Role::Vanilla),
            of(Role::NotOptedIn),
            of(Role::OptedIn)
        )
    }
}

impl Row {
    fn cells(&self) -> [String; COLUMNS] {
        let Estimate { median, low, high } = self.vanilla_ns;
        [
            self.what.to_owned(),
            format!("{median:.0} ns ({low:.0}–{high:.0})"),
            self.control.cell(),
            self.not_opted_in.cell(),
            self.opted_in.cell(),
        ]
    }
}

impl Comparison {
    fn new(kernel: &[f64], vanilla: &[f64], noise: f64) -> Comparison {
        let ratio = paired(kernel, vanilla, ratio);
        Comparison {
            ratio,
            difference_ns: paired(kernel, vanilla, |kernel, vanilla| kernel - vanilla),
            within_noise: ratio.is_one_within(noise),
        }
    }

    fn cell(&self) -> String {
        let Estimate { median, low, high } = self.ratio;
        let mark = if self.within_noise { "= " } else { "" };
        let difference = self.difference_ns.median;
        format!("{mark}{median:.3} ({low:.3}–{high:.3}), {difference:+.0} ns")
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::measure::{MEASURES, Taken},
        *,
    };

    /// Five rounds in which the machine becomes slower, and the last kernel costs a tenth more.
    fn rounds() -> Rounds {
        let round = |drift: f64| {
            [1000.0, 1001.0, 1000.5, 1100.0]
                .map(|nanoseconds| Taken::new(Some(nanoseconds * drift), None))
        };
        (0..5)
            .map(|round_number| round(1.0 + 0.1 * f64::from(round_number)))
            .collect()
    }

    fn report() -> Report {
        Report {
            command: "cargo lab bench fences --rounds 5".into(),
            kernel: "7.3.4".into(),
            core: 1,
            rounds: 5,
            coverage: 0.9375,
            measures: vec![Row::new(&MEASURES[3], Side::Inside, 10, &rounds()).unwrap()],
            attached: vec![Attached {
                kernel: Role::OptedIn,
                driver: "vb2_double",
                jobs: 45,
                attached: 90,
            }],
        }
    }

    #[test]
    fn drift_cancels_and_a_cost_stays() {
        let row = &report().measures[0];
        assert!(row.vanilla_ns.high > 1.3 * row.vanilla_ns.low);
        assert!((row.opted_in.ratio.low - 1.1).abs() < 1e-9 && !row.opted_in.within_noise);
        assert!(row.not_opted_in.within_noise && row.control.within_noise);
        assert!((row.noise - 0.001).abs() < 1e-9);
    }

    #[test]
    fn what_was_not_taken_is_no_row() {
        assert!(Row::new(&MEASURES[3], Side::Outside, 10, &rounds()).is_none());
    }

    #[test]
    fn both_tables_say_the_same_and_how_to_make_them() {
        let (text, markdown) = (report().text(), report().markdown());
        for part in [
            "1.100",
            "= 1.001",
            "vb2_double 90/45",
            "bench fences --rounds 5",
            "93.8 %",
        ] {
            assert!(text.contains(part), "{part}: {text}");
            assert!(markdown.contains(part), "{part}: {markdown}");
        }
        assert!(markdown.starts_with("| in the kernel | without the series |"));
    }

    #[test]
    fn the_roles_are_places_in_a_round() {
        for (place, role) in Role::ALL.into_iter().enumerate() {
            assert_eq!(place, role as usize);
        }
    }
}
