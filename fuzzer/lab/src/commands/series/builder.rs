//! What builds one kind of thing in the workshop.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use super::{
    finding::Finding,
    makelog::{Outcome, Said},
    objects::Plan,
};
use crate::process;

/// What a build came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Built {
    /// Everything that was compiled, or was to be.
    pub(super) compiled: BTreeMap<String, Outcome>,
    /// What cannot be built here, and why.
    pub(super) missing: BTreeMap<String, String>,
    /// What went wrong beside that.
    pub(super) errors: Vec<Finding>,
}

/// An architecture's compiler, or what builds programs for this machine.
pub(super) trait Builder: Sync {
    /// Names the column.
    fn name(&self) -> &str;

    /// The part of a plan that is this one's.
    fn wanted<'p>(&self, plan: &'p Plan) -> &'p BTreeSet<String>;

    /// Everything beside the sources that the outcome depends on.
    fn identity(&self) -> String;

    /// Builds in the tree as it is. `config` names the state of all that a configuration is made from.
    fn build(&self, wanted: &BTreeSet<String>, config: &str) -> anyhow::Result<Built>;
}

/// Runs make to its end, and gives what it said. Its failure is in there; an error is only that it could not run.
pub(super) fn run(make: &mut Command, log: &Path, root: &Path) -> anyhow::Result<Said> {
    let mut lines = Vec::new();
    let result = process::logged(make, log, |line| lines.push(line.to_owned()));
    let mut said = Said::read(&lines, &format!("{}/", root.display()));
    match result {
        Err(error) if lines.is_empty() => Err(error),
        Err(error) => {
            if !said.has_errors() {
                let words = format!("{error:#}");
                said.errors.push(Finding::bounce("make", None, words));
            }
            Ok(said)
        }
        // What make went on after is no error of the build.
        Ok(()) => {
            said.errors.clear();
            let outcomes = said.compiled.values_mut();
            outcomes.for_each(|outcome| outcome.errors.clear());
            Ok(said)
        }
    }
}
