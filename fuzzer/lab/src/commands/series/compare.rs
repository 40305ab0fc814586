//! Which warnings of a build are new: those that the same object did not have in the build before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    builder::Built,
    finding::{Finding, fresh},
    makelog::{Tool, Warning},
};

/// The warnings of each object as it was last built.
pub(super) type Known = BTreeMap<String, Vec<Warning>>;

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
    /// All warnings that are known behind the patch.
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
        let all = known.values().flatten().map(|warning| &warning.finding);
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

/// Objects with warnings of which nobody knows whether they are old.
pub(super) fn unknown(built: &Built, known: &Known, warts: &Warts<'_>) -> BTreeSet<String> {
    let is_doubtful =
        |warnings: &[Warning]| warnings.iter().any(|warning| !warts.has(&warning.finding));
    let objects = built
        .compiled
        .iter()
        .filter(|(object, warnings)| !known.contains_key(*object) && is_doubtful(warnings));
    objects.map(|(object, _)| object.clone()).collect()
}

/// What a build brings over what was known before it.
pub(super) fn compared(built: Built, before: &Known, warts: &Warts<'_>) -> Step {
    let mut known = before.clone();
    let mut new = Vec::new();
    for (object, warnings) in &built.compiled {
        let old = known
            .insert(object.clone(), warnings.clone())
            .unwrap_or_default();
        for tool in [Tool::Compiler, Tool::Sparse] {
            let found = fresh(&said_by(tool, &old), said_by(tool, warnings)).into_iter();
            new.extend(
                found
                    .filter(|finding| !warts.has(finding))
                    .map(|finding| Warning { tool, finding }),
            );
        }
    }
    // One warning in a header is said of everything that includes it.
    new.sort();
    new.dedup();
    Step {
        built: built.compiled.into_keys().collect(),
        missing: built.missing,
        errors: built.errors,
        fresh: new,
        known,
    }
}

fn said_by(tool: Tool, warnings: &[Warning]) -> Vec<Finding> {
    let of_tool = warnings.iter().filter(|warning| warning.tool == tool);
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

    fn built(object: &str, warnings: &[Warning]) -> Built {
        Built {
            compiled: BTreeMap::from([(object.to_owned(), warnings.to_vec())]),
            ..Built::default()
        }
    }

    #[test]
    fn only_what_the_patch_brings_is_new() {
        let old = warning(Tool::Sparse, "x.c", 3, "old");
        let moved = warning(Tool::Sparse, "x.c", 9, "old");
        let new = warning(Tool::Compiler, "x.c", 4, "new");
        let known = Known::from([("x.o".to_owned(), vec![old]), ("y.o".to_owned(), vec![])]);
        let touched = BTreeSet::from(["x.c".to_owned()]);
        let now = built("x.o", &[moved.clone(), new.clone()]);
        let warts = Warts::of(&known, &touched);
        assert!(unknown(&now, &known, &warts).is_empty());
        assert_eq!(
            Vec::from_iter(unknown(&now, &Known::new(), &warts)),
            ["x.o"]
        );
        let step = compared(now, &known, &warts);
        assert_eq!(step.fresh, std::slice::from_ref(&new));
        assert_eq!(step.known["x.o"], [moved, new]);
        assert!(step.known.contains_key("y.o") && step.did());
    }

    #[test]
    fn a_wart_of_a_header_that_nobody_touches_is_known_everywhere() {
        let wart = warning(Tool::Compiler, "include/io.h", 12, "arithmetic");
        let known = Known::from([("x.o".to_owned(), vec![wart.clone()])]);
        let now = built("y.o", &[wart]);
        let far = BTreeSet::from(["x.c".to_owned()]);
        assert!(unknown(&now, &known, &Warts::of(&known, &far)).is_empty());
        assert!(
            compared(now.clone(), &known, &Warts::of(&known, &far))
                .fresh
                .is_empty()
        );
        let near = BTreeSet::from(["include/io.h".to_owned()]);
        assert_eq!(
            Vec::from_iter(unknown(&now, &known, &Warts::of(&known, &near))),
            ["y.o"]
        );
        assert_eq!(
            compared(now, &known, &Warts::of(&known, &near)).fresh.len(),
            1
        );
    }
}
