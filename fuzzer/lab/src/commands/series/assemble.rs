//! The report, put together from what the checks gave.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    applied::Applied,
    compare::Step,
    finding::{Cell, Finding, Weight},
    form,
    input::Series,
    maintainers::Recipients,
    makelog::Tool,
    objects,
    report::{self, Report, Row, TreeNote, VERSION},
    trees::Tree,
};

/// Why a check of a patch had nothing to look at.
const NO_TREE: &str = "an earlier patch does not apply";

/// All that the checks gave.
pub(super) struct Gathered<'a> {
    pub(super) series: &'a Series,
    pub(super) trees: &'a [Tree],
    /// For each tree, how far the series applies.
    pub(super) applied: &'a [Applied],
    /// For each patch, the cells of what is found by reading, by column.
    pub(super) texts: Vec<BTreeMap<String, Cell>>,
    /// The columns of the builders.
    pub(super) builders: &'a [String],
    /// For each patch that applies, what each builder found.
    pub(super) built: &'a [Vec<Step>],
    pub(super) recipients: Recipients,
}

impl Gathered<'_> {
    /// The report.
    pub(super) fn report(mut self) -> Report {
        let texts = std::mem::take(&mut self.texts);
        let mut rows = self.cover();
        rows.extend(
            texts
                .into_iter()
                .enumerate()
                .map(|(index, texts)| self.row(index, texts)),
        );
        let mut report = Report {
            version: VERSION,
            trees: self
                .trees
                .iter()
                .map(|tree| note(tree, self.series))
                .collect(),
            columns: report::without_empty(self.columns(), &rows),
            rows,
            built: count(self.builders, self.built),
            recipients: self.recipients,
            bounces: 0,
        };
        report.bounces = report.of(Weight::Bounce).count();
        report
    }

    fn row(&self, index: usize, texts: BTreeMap<String, Cell>) -> Row {
        let patch = &self.series.patches[index];
        let trees = self.trees.iter().zip(self.applied);
        let mut checks = texts;
        checks.insert("mail".to_owned(), Cell::of(form::patch(self.series, index)));
        checks.extend(trees.map(|(tree, applied)| (column_of(tree), applies(applied, index))));
        let steps = self.built.get(index).map(Vec::as_slice);
        checks.extend(of_builds(self.builders, steps));
        self.note_unbuilt(index, &mut checks);
        Row {
            patch: patch.name.clone(),
            subject: patch.mail().subject().to_owned(),
            checks,
            built: built_by(self.builders, steps.unwrap_or_default()),
        }
    }

    /// What nobody compiles is told in the column of the first builder.
    fn note_unbuilt(&self, index: usize, checks: &mut BTreeMap<String, Cell>) {
        let files = self.series.patches[index].files();
        let notes = objects::unbuilt(&files).into_iter();
        let notes: Vec<_> = notes
            .map(|(file, why)| Finding::bounce(file, None, "is not built").noted(why))
            .collect();
        let cell = self.builders.first().and_then(|name| checks.get_mut(name));
        if let (Some(cell), false) = (cell, notes.is_empty()) {
            cell.add(notes);
        }
    }

    fn columns(&self) -> Vec<String> {
        let mut columns: Vec<_> = self.trees.iter().map(column_of).collect();
        columns.extend(["checkpatch", "W1", "sparse"].map(str::to_owned));
        columns.extend(self.builders.iter().cloned());
        columns.extend(["kernel-doc", "mail"].map(str::to_owned));
        columns
    }

    /// The row of the cover letter, if there is one or should be.
    fn cover(&self) -> Vec<Row> {
        let findings = form::cover(self.series);
        let (patch, subject) = match &self.series.cover {
            Some(letter) => (letter.name.clone(), letter.mail().subject().to_owned()),
            None if findings.is_empty() => return Vec::new(),
            None => (form::COVER.to_owned(), String::new()),
        };
        let checks = BTreeMap::from([("mail".to_owned(), Cell::of(findings))]);
        vec![Row {
            patch,
            subject,
            checks,
            built: BTreeMap::new(),
        }]
    }
}

fn column_of(tree: &Tree) -> String {
    format!("am-{}", tree.name)
}

/// A cell of a patch that could not be looked at.
pub(super) fn blocked() -> Cell {
    Cell::NotRun {
        why: NO_TREE.to_owned(),
    }
}

fn note(tree: &Tree, series: &Series) -> TreeNote {
    let before = series.before(&tree.release());
    TreeNote {
        name: tree.name.clone(),
        version: tree.source.version.clone(),
        prerequisites: before.iter().map(|letter| letter.name.clone()).collect(),
    }
}

fn applies(applied: &Applied, index: usize) -> Cell {
    applied.findings(index).map_or_else(blocked, Cell::of)
}

/// The cells of a patch's builds: one for each builder, and what all compilers and all sparse runs warn of.
fn of_builds(builders: &[String], steps: Option<&[Step]>) -> Vec<(String, Cell)> {
    let Some(steps) = steps else {
        let names = builders.iter().map(String::as_str).chain(["W1", "sparse"]);
        return names.map(|name| (name.to_owned(), blocked())).collect();
    };
    let own = builders.iter().zip(steps);
    let own = own.map(|(name, step)| (name.clone(), of_build(step, steps)));
    let shared = [("W1", Tool::Compiler), ("sparse", Tool::Sparse)];
    let shared = shared.map(|(name, tool)| (name.to_owned(), of_tool(tool, steps)));
    own.chain(shared).collect()
}

/// What a tool warns of, whatever it was built for.
fn of_tool(tool: Tool, steps: &[Step]) -> Cell {
    if steps.iter().all(|step| step.built.is_empty()) {
        return Cell::Nothing;
    }
    let all = steps.iter().flat_map(|step| &step.fresh);
    let of_tool = all.filter(|warning| warning.tool == tool);
    let mut findings: Vec<Finding> = of_tool.map(|warning| warning.finding.clone()).collect();
    findings.sort();
    findings.dedup();
    Cell::of(findings)
}

/// An object that no architecture builds sends the patch back: nobody knows whether it compiles.
fn of_build(step: &Step, all: &[Step]) -> Cell {
    if !step.did() {
        return Cell::Nothing;
    }
    let mut findings = step.errors.clone();
    for (object, why) in &step.missing {
        let missing = Finding::bounce(object, None, format!("is not built here: {why}"));
        let is_built = all.iter().any(|step| step.built.contains(object));
        findings.push(if is_built {
            missing.noted("another architecture builds it")
        } else {
            missing
        });
    }
    Cell::of(findings)
}

/// What each builder built behind one patch.
fn built_by(builders: &[String], steps: &[Step]) -> BTreeMap<String, BTreeSet<String>> {
    let all = builders.iter().zip(steps);
    let busy = all.filter(|(_, step)| !step.built.is_empty());
    busy.map(|(name, step)| (name.clone(), step.built.clone()))
        .collect()
}

/// How many things each builder built.
fn count(builders: &[String], built: &[Vec<Step>]) -> BTreeMap<String, usize> {
    let of = |at: usize| built.iter().map(|steps| steps[at].built.len()).sum();
    let counts = builders
        .iter()
        .enumerate()
        .map(|(at, name)| (name.clone(), of(at)));
    counts.filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_must_be_built_somewhere() {
        let with = |built: &[&str], missing: &[&str]| Step {
            built: built.iter().map(|name| (*name).to_owned()).collect(),
            missing: missing
                .iter()
                .map(|name| ((*name).to_owned(), "CONFIG_X is not set".to_owned()))
                .collect(),
            ..Step::default()
        };
        let steps = [
            with(&["a.o"], &["b.o", "c.o"]),
            with(&["a.o", "b.o"], &["c.o"]),
        ];
        let weights: Vec<_> = of_build(&steps[0], &steps)
            .findings()
            .iter()
            .map(|finding| (finding.file.clone(), finding.weight))
            .collect();
        assert_eq!(
            weights,
            [
                ("b.o".to_owned(), Weight::Note),
                ("c.o".to_owned(), Weight::Bounce)
            ]
        );
        assert_eq!(of_build(&Step::default(), &steps), Cell::Nothing);
        let names = ["um".to_owned(), "x86_64".to_owned()];
        assert!(matches!(of_builds(&names, None)[0].1, Cell::NotRun { .. }));
        assert_eq!(
            count(&names, &[steps.to_vec()]),
            BTreeMap::from([("um".to_owned(), 1), ("x86_64".to_owned(), 2)])
        );
    }
}
