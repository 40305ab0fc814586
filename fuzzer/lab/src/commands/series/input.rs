//! The series as it lies in its folder: patches in the order of their names, `0000-*` is the cover letter.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{diff::Diff, mail::Mail};
use crate::{exit::malformed, setup::cache};

/// A file of the series.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// Its name without the folder.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// All of it.
    pub(super) text: String,
}

/// A series.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// The cover letter, if there is one.
    pub(super) cover: Option<Letter>,
    /// The patches.
    pub(super) patches: Vec<Letter>,
    /// What a release needs in front of them, by release: what is in later ones and the series builds on.
    pub(super) prerequisites: BTreeMap<String, Vec<Letter>>,
}

/// The folder beside the patches with a folder a release, such as `prerequisites/7.2`.
const PREREQUISITES: &str = "prerequisites";

impl Letter {
    fn read(path: PathBuf) -> anyhow::Result<Letter> {
        let refuse = |why: &str| malformed(format!("{}: {why}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| refuse(&error.to_string()))?;
        let letter = Letter {
            name: cache::name(&path),
            text,
            path: path.clone(),
        };
        match Mail::parse(&letter.text) {
            Some(mail) if mail.header("Subject").is_some() => Ok(letter),
            _ => Err(refuse(
                "is no patch as `git format-patch` writes it: it has no Subject",
            )),
        }
    }

    /// The letter taken apart.
    pub(super) fn mail(&self) -> Mail<'_> {
        Mail::parse(&self.text).expect("read() refuses what cannot be taken apart")
    }

    /// The files that it touches.
    pub(super) fn files(&self) -> BTreeSet<String> {
        Diff::parse(&self.mail())
            .files
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}

impl Series {
    /// Reads a folder.
    pub(super) fn read(dir: &Path) -> anyhow::Result<Series> {
        let (covers, patches): (Vec<_>, Vec<_>) = letters(dir)?
            .into_iter()
            .partition(|letter| letter.name.starts_with("0000-"));
        if patches.is_empty() {
            return Err(malformed(format!("{} holds no *.patch", dir.display())));
        }
        if let Some(empty) = patches.iter().find(|patch| patch.files().is_empty()) {
            return Err(malformed(format!("{} holds no diff", empty.path.display())));
        }
        Ok(Series {
            cover: covers.into_iter().next(),
            patches,
            prerequisites: prerequisites(&dir.join(PREREQUISITES))?,
        })
    }

    /// What this release needs in front of the patches.
    pub(super) fn before(&self, release: &str) -> &[Letter] {
        self.prerequisites.get(release).map_or(&[], Vec::as_slice)
    }

    /// Every file that some patch touches.
    pub(super) fn files(&self) -> BTreeSet<String> {
        let before = self.prerequisites.values().flatten();
        self.patches
            .iter()
            .chain(before)
            .flat_map(Letter::files)
            .collect()
    }
}

fn letters(dir: &Path) -> anyhow::Result<Vec<Letter>> {
    let files = cache::entries(dir).map_err(|error| malformed(format!("{error:#}")))?;
    let is_patch = |path: &PathBuf| path.is_file() && cache::name(path).ends_with(".patch");
    files
        .into_iter()
        .filter(is_patch)
        .map(Letter::read)
        .collect()
}

fn prerequisites(dir: &Path) -> anyhow::Result<BTreeMap<String, Vec<Letter>>> {
    if !dir.is_dir() {
        return Ok(BTreeMap::new());
    }
    let releases = cache::entries(dir)?.into_iter();
    releases
        .map(|folder| Ok((cache::name(&folder), letters(&folder)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_series_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let told = || Series::read(folder.path()).unwrap_err().to_string();
        assert!(told().contains("holds no *.patch"), "{}", told());
        fs::write(folder.path().join("0001-a.patch"), "Hello\n").unwrap();
        assert!(told().contains("0001-a.patch: is no patch"), "{}", told());
        fs::write(folder.path().join("0001-a.patch"), "Subject: x\n\nbody\n").unwrap();
        assert!(told().contains("holds no diff"), "{}", told());
    }

    #[test]
    fn prerequisites_are_those_of_the_release() {
        const PATCH: &str = "Subject: x\n\n---\n--- a/x.c\n+++ b/x.c\n@@ -1 +1 @@\n-1\n+2\n";
        let folder = tempfile::tempdir().unwrap();
        let of_7_2 = folder.path().join("prerequisites/7.2");
        fs::create_dir_all(&of_7_2).unwrap();
        fs::write(folder.path().join("0001-a.patch"), PATCH).unwrap();
        fs::write(
            of_7_2.join("0001-b.patch"),
            PATCH.replace("x.c", "only/y.c"),
        )
        .unwrap();
        let series = Series::read(folder.path()).unwrap();
        assert_eq!(series.patches.len(), 1);
        assert_eq!(series.before("7.2").len(), 1);
        assert!(series.before("7.3").is_empty());
        assert!(series.files().contains("only/y.c"));
    }
}
