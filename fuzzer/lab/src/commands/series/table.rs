//! The report on the screen: a row a patch, and below it what is wrong and who gets the mail.

use std::fmt::Write;

use super::{
    finding::{Cell, Weight},
    report::{Placed, Report, Row, TreeNote},
};

/// Letters of a patch's name that the table shows.
const NAME: usize = 38;

const LEGEND: &str = "ok: nothing to complain about; ok*: with notes; N: complaints; -: nothing there for this check; ?: could not run";

/// Everything about a report, for people.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write(&mut text, report);
    text
}

fn write(text: &mut String, report: &Report) -> std::fmt::Result {
    let width = |column: &String| column.len().max(4);
    write!(text, "{:NAME$}", "patch")?;
    report
        .columns
        .iter()
        .try_for_each(|column| write!(text, "  {column:>w$}", w = width(column)))?;
    writeln!(text)?;
    for row in &report.rows {
        write!(text, "{:NAME$}", shortened(&row.patch))?;
        for column in &report.columns {
            write!(text, "  {:>w$}", sign(row, column), w = width(column))?;
        }
        writeln!(text)?;
    }
    writeln!(text, "{LEGEND}\n")?;
    writeln!(text, "trees      {}", trees(report))?;
    writeln!(text, "built      {}\n", built(report))?;
    section(text, "Complaints:", report.of(Weight::Bounce))?;
    blocked(text, report)?;
    section(text, "Notes:", report.of(Weight::Note))?;
    for (head, group) in [
        ("To:", &report.recipients.to),
        ("Cc:", &report.recipients.cc),
    ] {
        group
            .iter()
            .try_for_each(|who| writeln!(text, "{head} {who}"))?;
    }
    Ok(())
}

fn sign(row: &Row, column: &str) -> String {
    let cell = row.checks.get(column).unwrap_or(&Cell::Nothing);
    match (cell, cell.bounces().count()) {
        (Cell::Nothing, _) => "-".into(),
        (Cell::NotRun { .. }, _) => "?".into(),
        (Cell::Checked { findings }, 0) if findings.is_empty() => "ok".into(),
        (Cell::Checked { .. }, 0) => "ok*".into(),
        (Cell::Checked { .. }, count) => count.to_string(),
    }
}

fn section<'a>(
    text: &mut String,
    head: &str,
    all: impl Iterator<Item = Placed<'a>>,
) -> std::fmt::Result {
    let lines: Vec<_> = all.map(|placed| line(&placed)).collect();
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(text, "{head}\n  {}\n", lines.join("\n  "))
}

/// Patch, check, place, complaint: one line. A place in the patch itself goes with its name.
pub(super) fn line(placed: &Placed<'_>) -> String {
    let Placed {
        patch,
        check,
        finding,
    } = placed;
    match finding.line {
        _ if finding.file != *patch => format!("{patch}: {check}: {finding}"),
        Some(line) => format!("{patch}:{line}: {check}: {}", finding.complaint),
        None => format!("{patch}: {check}: {}", finding.complaint),
    }
}

fn blocked(text: &mut String, report: &Report) -> std::fmt::Result {
    let mut reasons: Vec<_> = report
        .rows
        .iter()
        .flat_map(|row| row.checks.values())
        .filter_map(why)
        .collect();
    reasons.dedup();
    reasons
        .iter()
        .try_for_each(|why| writeln!(text, "Not run: {why}\n"))
}

fn why(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::NotRun { why } => Some(why),
        Cell::Nothing | Cell::Checked { .. } => None,
    }
}

fn trees(report: &Report) -> String {
    let names: Vec<_> = report.trees.iter().map(tree).collect();
    format!("{}; the first one is built", names.join(", "))
}

fn tree(tree: &TreeNote) -> String {
    let before = match tree.prerequisites.as_slice() {
        [] => String::new(),
        names => format!(", behind {}", names.join(", ")),
    };
    format!("{} (Linux {}{before})", tree.name, tree.version)
}

fn built(report: &Report) -> String {
    let counts: Vec<_> = report
        .built
        .iter()
        .map(|(column, count)| format!("{count} on {column}"))
        .collect();
    if counts.is_empty() {
        "nothing".into()
    } else {
        counts.join(", ")
    }
}

fn shortened(name: &str) -> String {
    let name = name.trim_end_matches(".patch");
    match name.char_indices().nth(NAME) {
        Some(_) => name.chars().take(NAME - 1).chain(['…']).collect(),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::commands::series::{finding::Finding, maintainers::Recipients, report::VERSION};

    fn report() -> Report {
        let row = |patch: &str, checks: [Cell; 3]| Row {
            patch: patch.into(),
            subject: "[PATCH] x: y".into(),
            checks: BTreeMap::from_iter(
                ["am-7.3", "um", "mail"]
                    .map(str::to_owned)
                    .into_iter()
                    .zip(checks),
            ),
            built: BTreeMap::new(),
        };
        let good = Cell::of(vec![]);
        let noted = Cell::of(vec![
            Finding::bounce(
                "0001-a-patch-with-a-very-long-name-that-does-not-fit.patch",
                12,
                "new file",
            )
            .noted("has an owner"),
        ]);
        let bad = Cell::of(vec![Finding::bounce("d/x.c", 7, "no such thing")]);
        let rows = vec![
            row(
                "0001-a-patch-with-a-very-long-name-that-does-not-fit.patch",
                [good, bad, noted],
            ),
            row(
                "0002-b.patch",
                [
                    Cell::NotRun {
                        why: "an earlier patch does not apply".into(),
                    },
                    Cell::Nothing,
                    Cell::of(vec![]),
                ],
            ),
        ];
        Report {
            version: VERSION,
            trees: vec![TreeNote {
                name: "7.3".into(),
                version: "7.3.4".into(),
                prerequisites: vec!["0001-z.patch".into()],
            }],
            columns: ["am-7.3", "um", "mail"].map(str::to_owned).to_vec(),
            rows,
            built: BTreeMap::from([("um".to_owned(), 3)]),
            recipients: Recipients {
                to: ["A <a@example.org>".to_owned()].into(),
                cc: ["l@example.org".to_owned()].into(),
            },
            bounces: 1,
        }
    }

    const GOLDEN: &str = "\
patch                                   am-7.3    um  mail
0001-a-patch-with-a-very-long-name-th…      ok     1   ok*
0002-b                                       ?     -    ok
ok: nothing to complain about; ok*: with notes; N: complaints; -: nothing there for this check; ?: could not run

trees      7.3 (Linux 7.3.4, behind 0001-z.patch); the first one is built
built      3 on um

Complaints:
  0001-a-patch-with-a-very-long-name-that-does-not-fit.patch: um: d/x.c:7: no such thing

Not run: an earlier patch does not apply

Notes:
  0001-a-patch-with-a-very-long-name-that-does-not-fit.patch:12: mail: new file (has an owner)

To: A <a@example.org>
Cc: l@example.org
";

    #[test]
    fn the_table_is_as_it_was() {
        assert_eq!(text(&report()), GOLDEN);
    }

    #[test]
    fn the_json_is_as_it_was_and_reads_back() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["version"], 1);
        assert_eq!(json["bounces"], 1);
        let finding = &json["rows"][0]["checks"]["um"];
        assert_eq!(
            finding.to_string(),
            r#"{"findings":[{"complaint":"no such thing","file":"d/x.c","line":7,"weight":"bounce"}],"state":"checked"}"#
        );
        assert_eq!(
            json["rows"][1]["checks"]["um"].to_string(),
            r#"{"state":"nothing"}"#
        );
        assert_eq!(json["rows"][1]["checks"]["am-7.3"]["state"], "not-run");
        assert_eq!(json["recipients"]["to"][0], "A <a@example.org>");
        assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report());
    }
}
