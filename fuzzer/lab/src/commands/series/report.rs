//! All that was found about a series: what the table shows and the JSON file holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    finding::{Cell, Finding, Weight},
    maintainers::Recipients,
};

/// The form of the JSON file; a reader may rely on it.
pub(super) const VERSION: u32 = 1;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// The file's name.
    pub(super) patch: String,
    /// The mail's subject.
    pub(super) subject: String,
    /// What each check found, by the column's name.
    pub(super) checks: BTreeMap<String, Cell>,
    /// What was built behind the patch, by column.
    pub(super) built: BTreeMap<String, BTreeSet<String>>,
}

/// A tree as the report names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TreeNote {
    /// Its name above a column.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// What was applied to it in front of the series.
    pub(super) prerequisites: Vec<String>,
}

/// The report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    /// The form of this file.
    pub(super) version: u32,
    /// The trees; the first one is built.
    pub(super) trees: Vec<TreeNote>,
    /// The columns in their order.
    pub(super) columns: Vec<String>,
    /// The rows: the cover letter first, if there is one or should be, then the patches.
    pub(super) rows: Vec<Row>,
    /// What was built, by column.
    pub(super) built: BTreeMap<String, usize>,
    /// Who gets the mail.
    pub(super) recipients: Recipients,
    /// How many findings a maintainer would send the series back for.
    pub(super) bounces: usize,
}

/// A finding with its patch and check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    pub(super) patch: &'a str,
    pub(super) check: &'a str,
    pub(super) finding: &'a Finding,
}

impl Report {
    /// Every finding, in the order of rows and columns.
    pub(super) fn findings(&self) -> impl Iterator<Item = Placed<'_>> {
        self.rows.iter().flat_map(|row| {
            let cells = self
                .columns
                .iter()
                .filter_map(|column| row.checks.get_key_value(column));
            cells.flat_map(|(check, cell)| {
                let findings = cell.findings().iter();
                findings.map(|finding| Placed {
                    patch: &row.patch,
                    check,
                    finding,
                })
            })
        })
    }

    /// The findings of one weight.
    pub(super) fn of(&self, weight: Weight) -> impl Iterator<Item = Placed<'_>> {
        self.findings()
            .filter(move |placed| placed.finding.weight == weight)
    }
}

/// Columns that say nothing about any patch are left out.
pub(super) fn without_empty(columns: Vec<String>, rows: &[Row]) -> Vec<String> {
    let says = |column: &String| {
        rows.iter().any(|row| {
            row.checks
                .get(column)
                .is_some_and(|cell| *cell != Cell::Nothing)
        })
    };
    columns.into_iter().filter(says).collect()
}
