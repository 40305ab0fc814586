//! `git am`, in a repository of its own that holds only the files that the series touches: that is all that git looks at,
//! and it takes no time. Afterwards every state between two patches can be had from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;
use tempfile::TempDir;

use super::{
    finding::Finding,
    input::{Letter, Series},
    trees::Tree,
};
use crate::{exit::malformed, process};

/// What would let a user's own configuration change the outcome.
const CONFIG: [&str; 7] = [
    "user.name=lab",
    "user.email=lab@localhost",
    "advice.mergeConflict=false",
    "commit.gpgSign=false",
    "core.autocrlf=false",
    "core.hooksPath=/dev/null",
    "gc.auto=0",
];

/// The states of a tree's files, from before the first patch to behind the last one that was tried.
#[derive(Debug)]
pub(super) struct Applied {
    repository: TempDir,
    /// The first one is before the series, then comes one for each patch until the first that ended it.
    states: Vec<String>,
    files: BTreeSet<String>,
    /// What was found in applying, by the patch's place in the series.
    findings: BTreeMap<usize, Vec<Finding>>,
}

impl Applied {
    /// Applies the patches to copies of the tree's files until one does not apply.
    pub(super) fn apply(tree: &Tree, series: &Series) -> anyhow::Result<Applied> {
        let mut applied = Applied::begin(tree, series)?;
        for (index, patch) in series.patches.iter().enumerate() {
            if applied.am(index, patch, &[])?.is_none() {
                break;
            }
            applied.remember()?;
        }
        Ok(applied)
    }

    /// Applies them to a tree that they were not made for, as somebody would whose repository has both: with a three-way
    /// merge where the context moved, which is no more than worth a note. What does not apply is passed over.
    pub(super) fn apply_elsewhere(&self, tree: &Tree, series: &Series) -> anyhow::Result<Applied> {
        let mut applied = Applied::begin(tree, series)?;
        let objects = |repository: &Path| repository.join(".git/objects");
        let alternates = objects(applied.repository.path()).join("info/alternates");
        let own = format!("{}\n", objects(self.repository.path()).display());
        fs::write(&alternates, own).with_context(|| alternates.display().to_string())?;
        for (index, patch) in series.patches.iter().enumerate() {
            let said = applied.am(index, patch, &["--3way"])?;
            if said.is_some_and(|said| said.contains("3-way merge")) {
                let note = Finding::bounce(&patch.name, None, "does not apply as it is");
                let note = note.noted("a three-way merge brings it in");
                applied.findings.insert(index, vec![note]);
            }
            applied.remember()?;
        }
        Ok(applied)
    }

    fn begin(tree: &Tree, series: &Series) -> anyhow::Result<Applied> {
        let repository = tempfile::tempdir().context("a folder for git am")?;
        let files = series.files();
        files
            .iter()
            .try_for_each(|file| bring(&tree.source.dir, repository.path(), file))?;
        let mut applied = Applied {
            repository,
            states: Vec::new(),
            files,
            findings: BTreeMap::new(),
        };
        applied.git(&["init", "--quiet"])?;
        applied.git(&["add", "--all", "--force"])?;
        let message = "before the series";
        applied.git(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        for patch in series.before(&tree.release()) {
            process::output(applied.command().arg("am").arg(&patch.path))
                .map_err(|error| malformed(format!("{}: {error:#}", patch.path.display())))?;
        }
        applied.remember()?;
        Ok(applied)
    }

    /// What git said if the patch applies; if not, the reasons are among the findings.
    fn am(
        &mut self,
        index: usize,
        patch: &Letter,
        options: &[&str],
    ) -> anyhow::Result<Option<String>> {
        let mut git = self.command();
        git.arg("am").args(options).arg(&patch.path);
        let output = git.output().context("cannot start git")?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        if output.status.success() {
            return Ok(Some(said));
        }
        self.findings.insert(index, reasons(&said, &patch.name));
        // There is nothing to undo if git refused the mail as a whole.
        self.git(&["am", "--abort"]).ok();
        Ok(None)
    }

    /// How many patches there are states behind.
    pub(super) fn count(&self) -> usize {
        self.states.len() - 1
    }

    /// What was found in applying a patch; none if it was not tried.
    pub(super) fn findings(&self, index: usize) -> Option<Vec<Finding>> {
        let found = self.findings.get(&index).cloned();
        found.or_else(|| (index < self.count()).then(Vec::new))
    }

    /// Every file that some patch touches.
    pub(super) fn files(&self) -> &BTreeSet<String> {
        &self.files
    }

    /// Puts the files behind patch `count` into a folder and gives it. It is the same folder each time.
    pub(super) fn state(&self, count: usize) -> anyhow::Result<&Path> {
        self.git(&[
            "checkout",
            "--quiet",
            "--force",
            "--detach",
            &self.states[count],
        ])?;
        Ok(self.repository.path())
    }

    fn remember(&mut self) -> anyhow::Result<()> {
        let commit = self.git(&["rev-parse", "HEAD"])?;
        self.states.push(commit.trim().to_owned());
        Ok(())
    }

    fn git(&self, words: &[&str]) -> anyhow::Result<String> {
        process::output(self.command().args(words))
    }

    fn command(&self) -> Command {
        let mut git = process::command("git");
        git.arg("-C").arg(self.repository.path());
        CONFIG.iter().for_each(|config| {
            git.args(["-c", config]);
        });
        ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"]
            .iter()
            .for_each(|name| {
                git.env_remove(name);
            });
        git.env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        git
    }
}

fn bring(tree: &Path, into: &Path, file: &str) -> anyhow::Result<()> {
    let (from, to) = (inside(tree, file)?, inside(into, file)?);
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    if from.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(&from)?, &to)?;
    } else if from.is_file() {
        fs::copy(&from, &to).with_context(|| from.display().to_string())?;
    }
    Ok(())
}

/// Where a file that a patch names is. git refuses names that lead out of the tree, but only later.
pub(super) fn inside(root: &Path, file: &str) -> anyhow::Result<PathBuf> {
    let is_plain = |part| matches!(part, std::path::Component::Normal(_));
    anyhow::ensure!(
        Path::new(file).components().all(is_plain),
        crate::exit::Malformed(format!("a patch names {file:?}, which is outside the tree"))
    );
    Ok(root.join(file))
}

/// What `git am` complains about, with the place in the tree where it says one.
fn reasons(said: &str, patch: &str) -> Vec<Finding> {
    let complaints: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("error: "))
        .collect();
    let places = complaints.iter().filter_map(|line| {
        let (file, line) = line.strip_prefix("patch failed: ")?.rsplit_once(':')?;
        Some(Finding::bounce(
            file,
            line.parse().ok(),
            "does not apply here",
        ))
    });
    let conflicts = said.lines().filter_map(|line| {
        let file = line.strip_prefix("CONFLICT ")?.rsplit_once(" in ")?.1;
        Some(Finding::bounce(file, None, "conflicts here"))
    });
    let mut findings: Vec<_> = places.chain(conflicts).collect();
    let is_other = |line: &&&str| {
        let known = [
            "patch failed: ",
            "Failed to merge",
            "could not build fake ancestor",
            "sha1 information is lacking",
        ];
        !known.iter().any(|known| line.starts_with(known))
            && !line.ends_with(": patch does not apply")
    };
    findings.extend(
        complaints
            .iter()
            .filter(is_other)
            .map(|line| Finding::bounce(patch, None, *line)),
    );
    if findings.is_empty() {
        let last = said.lines().last().unwrap_or("git am gave no reason");
        findings.push(Finding::bounce(
            patch,
            None,
            format!("does not apply: {last}"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::series::input::Letter;
    use crate::setup::source::Source;

    fn patch(folder: &Path, name: &str, old: &str, new: &str) -> Letter {
        let text = format!(
            "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nDate: Sun, 22 Nov 2026 11:44:11 +0000\nSubject: [PATCH] x: y\n\nz\n---\n\n\
             diff --git a/d/x.c b/d/x.c\n--- a/d/x.c\n+++ b/d/x.c\n@@ -1,3 +1,3 @@\n one\n-{old}\n+{new}\n three\n-- \n2.39\n"
        );
        let path = folder.join(name);
        fs::write(&path, &text).unwrap();
        Letter {
            name: name.into(),
            path,
            text,
        }
    }

    #[test]
    fn every_state_can_be_had_and_the_tree_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("d")).unwrap();
        fs::write(tree.join("d/x.c"), "one\ntwo\nthree\n").unwrap();
        let patches = vec![
            patch(folder.path(), "0001-a.patch", "two", "2"),
            patch(folder.path(), "0002-b.patch", "two", "zwei"),
        ];
        let series = series(patches);
        let applied = Applied::apply(&of_release("7.3", &tree), &series).unwrap();
        assert_eq!(applied.count(), 1);
        assert_eq!(applied.findings(0), Some(vec![]));
        let why = Finding::bounce("d/x.c", 1, "does not apply here");
        assert_eq!(applied.findings(1), Some(vec![why]));
        for (state, text) in [(1, "one\n2\nthree\n"), (0, "one\ntwo\nthree\n")] {
            let dir = applied.state(state).unwrap();
            assert_eq!(fs::read_to_string(dir.join("d/x.c")).unwrap(), text);
        }
        let text = fs::read_to_string(tree.join("d/x.c")).unwrap();
        assert_eq!(text, "one\ntwo\nthree\n");
    }

    #[test]
    fn elsewhere_moved_context_is_a_note_and_a_conflict_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, other) = (folder.path().join("tree"), folder.path().join("other"));
        let text = |second: &str, last: &str| format!("one\n{second}\nthree\n4\n5\n6\n7\n{last}\n");
        for (place, last) in [(&tree, "8"), (&other, "acht")] {
            fs::create_dir_all(place.join("d")).unwrap();
            fs::write(place.join("d/x.c"), text("two", last)).unwrap();
        }
        // The second patch shows the line that differs elsewhere as context.
        let far = |patch: &mut Letter| {
            let index = format!(
                "index {}..{} 100644\n--- a/",
                hash(&text("2", "8")),
                hash(&text("zwei", "8"))
            );
            let wide = patch
                .text
                .replace("@@ -1,3 +1,3 @@", "@@ -1,8 +1,8 @@")
                .replacen("--- a/", &index, 1);
            patch.text = wide.replace(" three\n", " three\n 4\n 5\n 6\n 7\n 8\n");
            fs::write(&patch.path, &patch.text).unwrap();
        };
        let mut patches = vec![
            patch(folder.path(), "0001-a.patch", "two", "2"),
            patch(folder.path(), "0002-b.patch", "2", "zwei"),
            patch(folder.path(), "0003-c.patch", "drei", "3"),
        ];
        far(&mut patches[1]);
        let series = series(patches);
        let applied = Applied::apply(&of_release("7.3", &tree), &series).unwrap();
        assert_eq!(applied.count(), 2);
        let elsewhere = applied
            .apply_elsewhere(&of_release("7.2", &other), &series)
            .unwrap();
        let told = |index| format!("{:?}", elsewhere.findings(index).unwrap());
        assert_eq!(told(0), "[]");
        assert!(
            told(1).contains("three-way") && told(1).contains("Note"),
            "{}",
            told(1)
        );
        assert!(told(2).contains("Bounce"), "{}", told(2));
        assert_eq!(elsewhere.count(), 3);
    }

    #[test]
    fn what_a_release_needs_first_is_applied_to_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("d")).unwrap();
        fs::write(tree.join("d/x.c"), "one\nzwei\nthree\n").unwrap();
        let mut series = series(vec![patch(folder.path(), "0001-a.patch", "two", "2")]);
        let before = patch(folder.path(), "before.patch", "zwei", "two");
        series.prerequisites.insert("7.2".to_owned(), vec![before]);
        let applied = Applied::apply(&of_release("7.2", &tree), &series).unwrap();
        assert_eq!(applied.findings(0), Some(vec![]));
        let applied = Applied::apply(&of_release("7.3", &tree), &series).unwrap();
        assert_eq!(applied.count(), 0);
        fs::write(tree.join("d/x.c"), "uno\n").unwrap();
        let error = Applied::apply(&of_release("7.2", &tree), &series).unwrap_err();
        assert!(error.to_string().contains("before.patch"), "{error:#}");
    }

    fn series(patches: Vec<Letter>) -> Series {
        Series {
            cover: None,
            patches,
            prerequisites: BTreeMap::new(),
        }
    }

    fn of_release(release: &str, dir: &Path) -> Tree {
        Tree {
            name: release.to_owned(),
            source: Source {
                dir: dir.to_owned(),
                version: format!("{release}.1"),
                identity: String::new(),
                packaged: false,
            },
        }
    }

    fn hash(content: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        let mut git = process::command("git");
        let said = process::output(git.arg("hash-object").arg(file.path())).unwrap();
        said.trim().to_owned()
    }

    #[test]
    fn names_that_lead_out_of_the_tree_are_refused() {
        assert!(inside(Path::new("/t"), "../x").is_err() && inside(Path::new("/t"), "/x").is_err());
        assert_eq!(inside(Path::new("/t"), "a/b").unwrap(), Path::new("/t/a/b"));
    }

    #[test]
    fn other_reasons_are_told_as_git_says_them() {
        let found = reasons("Patch is empty.\n", "p");
        assert_eq!(found[0].to_string(), "p: does not apply: Patch is empty.");
        let found = reasons("error: x.c: already exists in index\nhint: no\n", "p");
        assert_eq!(found[0].to_string(), "p: x.c: already exists in index");
    }
}
