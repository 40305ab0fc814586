//! `scripts/kernel-doc` and the .rst files: what is wrong in the files that a patch touches and was not wrong before.

use std::{fs, path::Path};

use anyhow::Context;

use super::{
    applied::Applied,
    finding::{Finding, fresh},
    rst::{self, Labels},
};
use crate::process;

/// Checks documentation in a tree.
#[derive(Debug)]
pub(super) struct Docs<'a> {
    tree: &'a Path,
    labels: Option<Labels>,
}

impl<'a> Docs<'a> {
    /// `tree` has the files that the series does not touch.
    pub(super) fn new(tree: &'a Path) -> Docs<'a> {
        Docs { tree, labels: None }
    }

    /// What patch `index` (from 0) makes wrong; none if it touches nothing that is looked at.
    pub(super) fn check(
        &mut self,
        applied: &Applied,
        index: usize,
        files: &[&str],
    ) -> anyhow::Result<Option<Vec<Finding>>> {
        let ends =
            |end: &'static [&str]| move |file: &&str| end.iter().any(|end| file.ends_with(end));
        let code: Vec<_> = files.iter().copied().filter(ends(&[".c", ".h"])).collect();
        let texts: Vec<_> = files.iter().copied().filter(ends(&[".rst"])).collect();
        if code.is_empty() && texts.is_empty() {
            return Ok(None);
        }
        let before = self.wrong(applied.state(index)?, applied, &code, &texts)?;
        let after = self.wrong(applied.state(index + 1)?, applied, &code, &texts)?;
        Ok(Some(fresh(&before, after)))
    }

    fn wrong(
        &mut self,
        state: &Path,
        applied: &Applied,
        code: &[&str],
        texts: &[&str],
    ) -> anyhow::Result<Vec<Finding>> {
        let mut findings = kernel_doc(self.tree, state, code)?;
        if !texts.is_empty() && self.labels.is_none() {
            self.labels = Some(Labels::of_tree(self.tree)?);
        }
        let view = rst::View {
            state,
            tree: self.tree,
            touched: applied.files(),
        };
        for text in texts.iter().filter(|text| state.join(text).is_file()) {
            let labels = self.labels.as_ref().expect("made above");
            findings.extend(rst::wrong(&view, labels, text)?);
        }
        Ok(findings)
    }
}

fn kernel_doc(tree: &Path, state: &Path, code: &[&str]) -> anyhow::Result<Vec<Finding>> {
    let there: Vec<_> = code
        .iter()
        .filter(|file| state.join(file).is_file())
        .collect();
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let script = tree.join("scripts/kernel-doc");
    let head = fs::read_to_string(&script).with_context(|| script.display().to_string())?;
    let perl = head
        .lines()
        .next()
        .is_some_and(|line| line.contains("perl"));
    let mut command = process::command(if perl { "perl" } else { "python3" });
    command
        .arg(&script)
        .args(["-Wall", "-none"])
        .args(there)
        .current_dir(state);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", script.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let findings = read(&said, state);
    anyhow::ensure!(
        output.status.success() || !findings.is_empty(),
        "{} failed: {}",
        script.display(),
        said.trim()
    );
    Ok(findings)
}

/// Reads `Warning: FILE:LINE text` of today's script and `FILE:LINE: warning: text` of earlier ones. A line that belongs
/// to no other goes to the one before.
fn read(said: &str, state: &Path) -> Vec<Finding> {
    let root = format!("{}/", state.display());
    let mut findings: Vec<Finding> = Vec::new();
    for line in said.lines().map(|line| line.replace(&root, "")) {
        match complaint(&line) {
            Some(finding) => findings.push(finding),
            None => {
                if let Some(last) = findings.last_mut() {
                    last.complaint += &format!(" {}", line.trim());
                }
            }
        }
    }
    // Declarations that several passes read are complained about more than once.
    findings.sort();
    findings.dedup();
    findings
}

fn complaint(line: &str) -> Option<Finding> {
    let new = ["Warning: ", "Error: "]
        .into_iter()
        .find_map(|level| line.strip_prefix(level));
    let (place, text) = match new {
        Some(rest) => rest.split_once(' ')?,
        None => [": warning: ", ": error: "]
            .into_iter()
            .find_map(|level| line.split_once(level))?,
    };
    let (file, number) = place.trim_end_matches(':').rsplit_once(':')?;
    Some(Finding::bounce(
        file,
        Some(number.parse().ok()?),
        format!("kernel-doc: {text}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_complaints_are_read() {
        let said = "Warning: /s/a.h:86 No description found for return value of 'f'\nWarning: a.h:863 missing initial short description on line:\n * f() -\n\
                    a.c:12: warning: Function parameter 'x' not described\nWarning: /s/a.h:86 No description found for return value of 'f'\n";
        let found: Vec<_> = read(said, Path::new("/s"))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "a.c:12: kernel-doc: Function parameter 'x' not described",
                "a.h:86: kernel-doc: No description found for return value of 'f'",
                "a.h:863: kernel-doc: missing initial short description on line: * f() -",
            ]
        );
    }
}
