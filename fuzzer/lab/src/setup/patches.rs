//! Kernel patches: finding them and applying them to a private copy of a tree.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{Options, cache, key::Key};
use crate::{exit::malformed, process};

/// The series under test and the patches that the lab itself needs, in the order in which they are applied.
#[derive(Clone, Debug)]
pub struct Patches {
    series: Vec<PathBuf>,
    /// For any tree.
    lab: Vec<PathBuf>,
    /// For a tree with a release-fence helper.
    opt_in: Vec<PathBuf>,
    vanilla: bool,
}

impl Patches {
    /// What the options ask for.
    pub fn find(options: &Options, clone: &Path) -> anyhow::Result<Patches> {
        let own = clone.join("kernel-patches");
        let series = match (&options.series, options.no_series || options.vanilla) {
            (Some(dir), _) => given(dir)?,
            (None, true) => Vec::new(),
            (None, false) => in_folder(&own)?,
        };
        Ok(Patches {
            series,
            lab: in_folder(&own.join("lab"))?,
            opt_in: if options.vanilla {
                Vec::new()
            } else {
                in_folder(&own.join("lab/opt-in"))?
            },
            vanilla: options.vanilla,
        })
    }

    /// Whether the tree is to have no release-fence helper.
    pub fn is_vanilla(&self) -> bool {
        self.vanilla
    }

    /// In a few words for people.
    pub fn title(&self) -> &'static str {
        match (self.vanilla, self.series.is_empty()) {
            (true, _) => "vanilla",
            (false, true) => "with its own helper",
            (false, false) => "with the series",
        }
    }

    fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.series.iter().chain(self.of_the_lab())
    }

    fn of_the_lab(&self) -> impl Iterator<Item = &PathBuf> {
        self.lab.iter().chain(&self.opt_in)
    }

    /// Adds all of it to a key. What a patch says about itself changes no build.
    pub fn key(&self, mut key: Key) -> anyhow::Result<Key> {
        for patch in self.all() {
            let text = fs::read(patch).with_context(|| patch.display().to_string())?;
            key = key.part("patch", diff(&text));
        }
        Ok(key)
    }

    /// Files of the tree that some patch touches, relative to its root.
    pub fn touched(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for patch in self.all() {
            let text = fs::read_to_string(patch).with_context(|| patch.display().to_string())?;
            files.extend(touched(&text));
        }
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Applies all to the tree. A patch of the series that the tree has already is passed over.
    pub fn apply(&self, tree: &Path) -> anyhow::Result<()> {
        for patch in &self.series {
            if has(tree, patch) {
                eprintln!("{}: the tree has it already", patch.display());
            } else {
                apply(tree, patch)?;
            }
        }
        self.of_the_lab().try_for_each(|patch| apply(tree, patch))
    }

    /// How many there are: of the series, and of the lab's.
    pub fn counts(&self) -> (usize, usize) {
        (self.series.len(), self.of_the_lab().count())
    }
}

fn given(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let patches = in_folder(dir).map_err(|error| malformed(format!("{error:#}")))?;
    if patches.is_empty() {
        return Err(malformed(format!(
            "{} holds no *.patch; to apply none say --no-series",
            dir.display()
        )));
    }
    Ok(patches)
}

/// The patches in a folder by name. A cover letter is none.
fn in_folder(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_patch = |path: &PathBuf| {
        let name = cache::name(path);
        name.ends_with(".patch") && !name.starts_with("0000-")
    };
    Ok(cache::entries(dir)?.into_iter().filter(is_patch).collect())
}

/// Applies one patch. Moved context is fine, changed context is not: it would test something that nobody wrote.
pub fn apply(tree: &Path, patch: &Path) -> anyhow::Result<()> {
    run(tree, patch, &["--forward"]).map_err(|error| {
        malformed(format!(
            "{} does not apply to {}: {error:#}",
            patch.display(),
            tree.display()
        ))
    })
}

fn has(tree: &Path, patch: &Path) -> bool {
    run(tree, patch, &["--reverse", "--dry-run"]).is_ok()
}

fn run(tree: &Path, patch: &Path, options: &[&str]) -> anyhow::Result<()> {
    let mut command = process::command("patch");
    command
        .args([
            "-p1",
            "--force",
            "--fuzz=0",
            "--no-backup-if-mismatch",
            "--reject-file=-",
        ])
        .args(options);
    command.arg("-d").arg(tree).arg("-i").arg(patch);
    let output = command.output().context("cannot start patch(1)")?;
    let said = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(
        output.status.success(),
        "{}",
        reason(&said, &String::from_utf8_lossy(&output.stderr))
    );
    Ok(())
}

/// The lines of patch(1)'s output that say what is wrong.
fn reason(said: &str, complained: &str) -> String {
    let telling = |line: &&str| {
        [
            "FAILED",
            "No such",
            "can't find",
            "malformed",
            "Only garbage",
            "patching file",
        ]
        .iter()
        .any(|word| line.contains(word))
    };
    let lines: Vec<_> = said
        .lines()
        .chain(complained.lines())
        .filter(telling)
        .map(str::trim)
        .collect();
    if lines.is_empty() {
        said.lines()
            .last()
            .unwrap_or("patch(1) gave no reason")
            .to_owned()
    } else {
        lines.join("; ")
    }
}

/// A patch from its first diff on; all of it if none is found.
fn diff(patch: &[u8]) -> &[u8] {
    const BEGIN: &[u8] = b"\ndiff --git ";
    let at = patch
        .windows(BEGIN.len())
        .position(|bytes| bytes == BEGIN)
        .unwrap_or(0);
    &patch[at..]
}

/// The files that the text of a patch touches, from its `+++` and `---` lines.
pub fn touched(patch: &str) -> Vec<PathBuf> {
    let sides = patch.lines().filter_map(|line| {
        line.strip_prefix("+++ ")
            .or_else(|| line.strip_prefix("--- "))
    });
    let names = sides.map(|side| side.split('\t').next().unwrap_or(side).trim());
    names
        .filter_map(|name| name.strip_prefix("a/").or_else(|| name.strip_prefix("b/")))
        .map(PathBuf::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Subject: x\n\n---\n a.c | 2 +-\n\n--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n-- \n2.39\n";

    fn found(options: &Options) -> Vec<String> {
        let clone = tempfile::tempdir().unwrap();
        let patches = clone.path().join("kernel-patches");
        fs::create_dir_all(patches.join("lab/opt-in")).unwrap();
        for name in [
            "0000-cover",
            "0001-series",
            "lab/0001-lab",
            "lab/opt-in/0001-opt-in",
        ] {
            fs::write(patches.join(format!("{name}.patch")), PATCH).unwrap();
        }
        let found = Patches::find(options, clone.path()).unwrap();
        found.all().map(|path| cache::name(path)).collect()
    }

    #[test]
    fn each_variant_has_its_patches_in_order() {
        let (mut vanilla, mut own_helper) = (Options::default(), Options::default());
        vanilla.vanilla = true;
        own_helper.no_series = true;
        let series = ["0001-series.patch", "0001-lab.patch", "0001-opt-in.patch"];
        assert_eq!(found(&Options::default()), series);
        assert_eq!(found(&own_helper), series[1..]);
        assert_eq!(found(&vanilla), series[1..2]);
    }

    #[test]
    fn a_patch_is_applied_once_and_recognised_later() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, patch) = (folder.path().join("tree"), folder.path().join("1.patch"));
        fs::create_dir(&tree).unwrap();
        fs::write(tree.join("a.c"), "one\ntwo\nthree\n").unwrap();
        fs::write(&patch, PATCH).unwrap();
        assert!(!has(&tree, &patch));
        apply(&tree, &patch).unwrap();
        assert_eq!(
            fs::read_to_string(tree.join("a.c")).unwrap(),
            "one\n2\nthree\n"
        );
        assert!(has(&tree, &patch));
    }

    #[test]
    fn a_bad_patch_is_refused_with_name_and_reason() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, patch) = (folder.path().join("tree"), folder.path().join("1.patch"));
        fs::create_dir(&tree).unwrap();
        fs::write(tree.join("a.c"), "one\nzwei\nthree\n").unwrap();
        fs::write(&patch, PATCH).unwrap();
        let error = apply(&tree, &patch).unwrap_err().to_string();
        assert!(
            error.contains("1.patch") && error.contains("FAILED"),
            "{error}"
        );
        fs::write(&patch, "not a patch\n").unwrap();
        let error = apply(&tree, &patch).unwrap_err().to_string();
        assert!(error.contains("garbage"), "{error}");
    }

    #[test]
    fn what_a_patch_says_is_no_part_of_its_diff() {
        let one = b"Subject: one\n\n---\ndiff --git a/x b/x\n+x\n";
        let two = b"Subject: two\n\n---\ndiff --git a/x b/x\n+x\n";
        assert_eq!(diff(one), diff(two));
        assert!(diff(one).ends_with(b"+x\n"));
        assert_eq!(diff(b"--- a/x\n+++ b/x\n"), b"--- a/x\n+++ b/x\n");
    }

    #[test]
    fn touched_files_are_those_of_the_diff() {
        let new = "--- /dev/null\n+++ b/drivers/new.c\n@@ -0,0 +1 @@\n+x\n";
        assert_eq!(touched(new), [PathBuf::from("drivers/new.c")]);
        assert_eq!(touched(PATCH), [PathBuf::from("a.c"), PathBuf::from("a.c")]);
    }
}
