//! Which warnings of a build are new: those that the same object did not have in the build before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    builder::Built,
    finding::{Finding, fresh},
    makelog::{Outcome, Tool, Warning},
};

/// How each object was when it was last built.
pub(super) type Known = BTreeMap<String, Outcome>;

/// What a builder found in a patch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    /// Everything that was built.
    pub(super) built: BTreeSet<String>,
    /// What could not be built here, and why.
    pub(super) missing: BTreeMap<String, String>,
    /// What went wrong.
    pub(super) errors: Vec<Finding>,
    /// Warnings that the patch brings.
    pub(super) fresh: Vec<Warning>,
    /// How everything is that was ever built, behind the patch.
    pub(super) known: Known,
}

impl Step {
    /// Whether there was anything to do for the builder, so that its cell has something to say.
    pub(super) fn did(&self) -> bool {
        !(self.built.is_empty() && self.missing.is_empty() && self.errors.is_empty())
    }
}

/// Warnings in files that the series leaves alone, of whatever object: an unlucky header is complained about in everything
/// that includes it, and that is nobody's fault who includes it, too.
#[derive(Debug)]
pub(super) struct Warts<'a>(BTreeSet<(&'a str, &'a str)>);

impl<'a> Warts<'a> {
    /// Those among what is known.
    pub(super) fn of(known: &'a Known, touched: &BTreeSet<String>) -> Warts<'a> {
        let all = known.values().flat_map(|outcome| &outcome.warnings);
        let all = all.map(|warning| &warning.finding);
        let others = all.filter(|finding| !touched.contains(&finding.file));
        Warts(
            others
                .map(|finding| (finding.file.as_str(), finding.complaint.as_str()))
                .collect(),
        )
    }

    fn has(&self, finding: &Finding) -> bool {
        self.0
            .contains(&(finding.file.as_str(), finding.complaint.as_str()))
    }
}

/// Objects with warnings or errors of which nobody knows whether they are old.
pub(super) fn unknown(built: &Built, known: &Known, warts: &Warts<'_>) -> BTreeSet<String> {
    let is_doubtful = |outcome: &Outcome| {
        let mut warnings = outcome.warnings.iter();
        !outcome.errors.is_empty() || warnings.any(|warning| !warts.has(&warning.finding))
    };
    let objects = built.compiled.iter();
    let objects =
        objects.filter(|(object, outcome)| !known.contains_key(*object) && is_doubtful(outcome));
    objects.map(|(object, _)| object.clone()).collect()
}

/// What a build brings over what was known before it.
pub(super) fn compared(built: Built, before: &Known, warts: &Warts<'_>) -> Step {
    let mut step = Step {
        missing: built.missing,
        errors: built.errors,
        known: before.clone(),
        ..Step::default()
    };
    for (object, outcome) in built.compiled {
        let old = before.get(&object).cloned().unwrap_or_default();
        step.errors(&object, &old, &outcome);
        for tool in [Tool::Compiler, Tool::Sparse] {
            let found = fresh(&said_by(tool, &old), said_by(tool, &outcome)).into_iter();
            let found = found.filter(|finding| !warts.has(finding));
            step.fresh
                .extend(found.map(|finding| Warning { tool, finding }));
        }
        step.known.insert(object, outcome);
    }
    // One warning in a header is said of everything that includes it.
    step.fresh.sort();
    step.fresh.dedup();
    step
}

impl Step {
    /// An object that is as broken as it was before is not the patch's fault, but nobody has seen the patch compile.
    fn errors(&mut self, object: &str, old: &Outcome, now: &Outcome) {
        let new = fresh(&old.errors, now.errors.clone());
        match now.errors.first() {
            None => drop(self.built.insert(object.to_owned())),
            Some(first) if new.is_empty() => {
                let why = format!("it does not compile without the patch either: {first}");
                self.missing.insert(object.to_owned(), why);
            }
            Some(_) => self.errors.extend(new),
        }
    }
}

fn said_by(tool: Tool, outcome: &Outcome) -> Vec<Finding> {
    let of_tool = outcome
        .warnings
        .iter()
        .filter(|warning| warning.tool == tool);
    of_tool.map(|warning| warning.finding.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(tool: Tool, file: &str, line: u32, what: &str) -> Warning {
        Warning {
            tool,
            finding: Finding::bounce(file, line, what),
        }
    }

    fn warned(warnings: &[Warning]) -> Outcome {
        Outcome {
            warnings: warnings.to_vec(),
            errors: vec![],
        }
    }

    fn broken(why: &str) -> Outcome {
        Outcome {
            errors: vec![Finding::bounce("x.c", 1, why)],
            ..Outcome::default()
        }
    }

    fn built(object: &str, outcome: Outcome) -> Built {
        Built {
            compiled: BTreeMap::from([(object.to_owned(), outcome)]),
            ..Built::default()
        }
    }

    #[test]
    fn only_what_the_patch_brings_is_new() {
        let old = warning(Tool::Sparse, "x.c", 3, "old");
        let moved = warning(Tool::Sparse, "x.c", 9, "old");
        let new = warning(Tool::Compiler, "x.c", 4, "new");
        let known = Known::from([
            ("x.o".to_owned(), warned(&[old])),
            ("y.o".to_owned(), warned(&[])),
        ]);
        let touched = BTreeSet::from(["x.c".to_owned()]);
        let now = built("x.o", warned(&[moved.clone(), new.clone()]));
        let warts = Warts::of(&known, &touched);
        assert!(unknown(&now, &known, &warts).is_empty());
        let doubtful = unknown(&now, &Known::new(), &warts);
        assert_eq!(Vec::from_iter(doubtful), ["x.o"]);
        let step = compared(now, &known, &warts);
        assert_eq!(step.fresh, std::slice::from_ref(&new));
        assert_eq!(step.known["x.o"], warned(&[moved, new]));
        assert!(step.known.contains_key("y.o") && step.built.contains("x.o"));
    }

    #[test]
    fn a_wart_of_a_header_that_nobody_touches_is_known_everywhere() {
        let wart = warning(Tool::Compiler, "include/io.h", 12, "arithmetic");
        let known = Known::from([("x.o".to_owned(), warned(std::slice::from_ref(&wart)))]);
        let now = built("y.o", warned(&[wart]));
        let touched = BTreeSet::from(["x.c".to_owned()]);
        let far = Warts::of(&known, &touched);
        assert!(unknown(&now, &known, &far).is_empty());
        assert!(compared(now.clone(), &known, &far).fresh.is_empty());
        let touched = BTreeSet::from(["include/io.h".to_owned()]);
        let near = Warts::of(&known, &touched);
        assert_eq!(Vec::from_iter(unknown(&now, &known, &near)), ["y.o"]);
        assert_eq!(compared(now, &known, &near).fresh.len(), 1);
    }

    #[test]
    fn what_was_broken_before_is_missing_and_what_the_patch_breaks_is_an_error() {
        let (none, touched) = (Known::new(), BTreeSet::new());
        let warts = Warts::of(&none, &touched);
        let now = built("x.o", broken("old"));
        assert_eq!(Vec::from_iter(unknown(&now, &none, &warts)), ["x.o"]);
        let known = Known::from([("x.o".to_owned(), broken("old"))]);
        let step = compared(now, &known, &warts);
        assert!(step.missing["x.o"].ends_with("either: x.c:1: old") && step.errors.is_empty());
        let step = compared(built("x.o", broken("new")), &known, &warts);
        assert_eq!(step.errors, broken("new").errors);
        assert!(step.built.is_empty() && step.missing.is_empty());
    }
}
