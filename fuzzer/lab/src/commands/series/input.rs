//! The series as it lies in its folder: patches in the order of their names, `0000-*` is the cover letter.

use std::{
    collections::BTreeSet,
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
}

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
        let files = cache::entries(dir).map_err(|error| malformed(format!("{error:#}")))?;
        let is_patch = |path: &PathBuf| path.is_file() && cache::name(path).ends_with(".patch");
        let letters = files.into_iter().filter(is_patch).map(Letter::read);
        let letters: Vec<_> = letters.collect::<anyhow::Result<_>>()?;
        let (covers, patches): (Vec<_>, Vec<_>) = letters
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
        })
    }

    /// Every file that some patch touches.
    pub(super) fn files(&self) -> BTreeSet<String> {
        self.patches.iter().flat_map(Letter::files).collect()
    }
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
}
