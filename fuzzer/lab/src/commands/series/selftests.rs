//! The kernel's selftests: programs for this machine, built by a make of their own.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use super::{
    builder::{self, Builder, Built},
    finding::Finding,
    makelog::{Outcome, Said, Tool, Warning},
    objects::Plan,
};
use crate::process;

/// Changes whenever this file builds something else from the same inputs.
const RECIPE: &str = "selftests 2";

const FOLDER: &str = "tools/testing/selftests";

/// Builds selftests.
#[derive(Clone, Debug)]
pub(super) struct Selftests {
    pub(super) source: PathBuf,
    pub(super) output: PathBuf,
    /// What the compiler of this machine calls itself.
    pub(super) compiler: String,
    pub(super) jobs: usize,
    pub(super) log: PathBuf,
}

impl Builder for Selftests {
    fn name(&self) -> &str {
        "selftests"
    }

    fn wanted<'p>(&self, plan: &'p Plan) -> &'p BTreeSet<String> {
        &plan.selftests
    }

    fn identity(&self) -> String {
        [RECIPE, &self.compiler].join("\n")
    }

    fn build(&self, wanted: &BTreeSet<String>, _config: &str) -> anyhow::Result<Built> {
        let mut built = Built::default();
        if wanted.is_empty() {
            return Ok(built);
        }
        let mut headers = self.make(&self.source);
        built.errors = builder::run(headers.arg("headers"), &self.log, &self.source)?.errors;
        for target in wanted
            .iter()
            .filter(|target| self.source.join(FOLDER).join(target).is_dir())
        {
            self.remove(target)?;
            let mut make = self.make(&self.source.join(FOLDER));
            make.args([&format!("TARGETS={target}"), "FORCE_TARGETS=1", "all"]);
            let said = builder::run(&mut make, &self.log, &self.source)?;
            built.compiled.insert(target.clone(), outcome(said, target));
        }
        Ok(built)
    }
}

impl Selftests {
    /// What is up to date would not be compiled, and not be complained about.
    fn remove(&self, target: &str) -> anyhow::Result<()> {
        let folder = self.output.join("kselftest").join(target);
        if folder.is_dir() {
            std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        Ok(())
    }

    fn make(&self, folder: &Path) -> Command {
        let mut make = process::command("make");
        make.arg("-C")
            .arg(folder)
            .arg(format!("O={}", self.output.display()));
        make.args([&format!("-j{}", self.jobs), "--output-sync=target"]);
        make
    }
}

/// The compiler names files relative to the test's folder.
fn placed(mut finding: Finding, target: &str) -> Finding {
    if !finding.file.contains('/') && finding.line.is_some() {
        finding.file = format!("{FOLDER}/{target}/{}", finding.file);
    }
    finding
}

fn outcome(said: Said, target: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let errors = said.errors.into_iter();
    outcome
        .errors
        .extend(errors.map(|error| placed(error, target)));
    for part in said.compiled.into_values() {
        let errors = part.errors.into_iter();
        outcome
            .errors
            .extend(errors.map(|error| placed(error, target)));
        let warnings = part.warnings.into_iter().map(|warning| Warning {
            tool: Tool::Compiler,
            finding: placed(warning.finding, target),
        });
        outcome.warnings.extend(warnings);
    }
    outcome
}
