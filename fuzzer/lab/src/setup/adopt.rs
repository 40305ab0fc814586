//! An earlier build as the base of the next: its objects come along, and only what changed is compiled.
//!
//! make compares times, so a source file whose content is the earlier one's gets the earlier one's time, and one that
//! changed gets the present. The tree is built in place with relative paths, which is what lets a build move.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context;

use super::tree::{self, How};

/// In each build: its family in the first line, then its source files.
const NOTE: &str = ".lab-sources";

/// Writes down which files of the tree are sources. To be called before anything is built.
pub fn note(dir: &Path, family: &str) -> anyhow::Result<()> {
    let mut text = format!("{family}\n");
    for path in tree::files(dir)? {
        text += &format!("{}\n", path.display());
    }
    fs::write(dir.join(NOTE), text).with_context(|| dir.display().to_string())
}

/// The newest build of the family.
pub fn newest(builds: Vec<PathBuf>, family: &str) -> Option<PathBuf> {
    let time = |dir: &PathBuf| {
        dir.join(NOTE)
            .metadata()
            .and_then(|meta| meta.modified())
            .ok()
    };
    builds
        .into_iter()
        .filter(|dir| is_of_family(dir, family))
        .max_by_key(time)
}

fn is_of_family(dir: &Path, family: &str) -> bool {
    fs::read_to_string(dir.join(NOTE)).is_ok_and(|text| text.lines().next() == Some(family))
}

/// Brings what was built in `base` into the patched tree `dir`.
pub fn adopt(base: &Path, dir: &Path) -> anyhow::Result<()> {
    let note = fs::read_to_string(base.join(NOTE)).with_context(|| base.display().to_string())?;
    let sources: BTreeSet<&Path> = note.lines().skip(1).map(Path::new).collect();
    for path in &sources {
        align(&base.join(path), &dir.join(path))?;
    }
    let built = |path: &Path| {
        path != Path::new(NOTE) && !sources.contains(path) && !dir.join(path).is_file()
    };
    tree::copy(base, dir, How::Copy, &built)
}

/// Gives a source file the time that tells make the truth.
fn align(old: &Path, new: &Path) -> anyhow::Result<()> {
    let (Ok(old_meta), Ok(new_meta)) = (old.symlink_metadata(), new.symlink_metadata()) else {
        return Ok(());
    };
    let (before, now) = (old_meta.modified()?, new_meta.modified()?);
    if !new_meta.is_file() || (before == now && old_meta.len() == new_meta.len()) {
        return Ok(());
    }
    let same = fs::read(old)? == fs::read(new)?;
    set_time(new, if same { before } else { SystemTime::now() })
}

/// Sets a file's time without touching others that share its content by a hard link.
fn set_time(file: &Path, time: SystemTime) -> anyhow::Result<()> {
    let content = fs::read(file)?;
    let permissions = file.metadata()?.permissions();
    fs::remove_file(file)?;
    let mut new = File::create(file)?;
    new.write_all(&content)?;
    new.set_permissions(permissions)?;
    new.set_modified(time)
        .with_context(|| file.display().to_string())
}

/// A file as it was, so that writing the same again can be made unseen by make.
#[derive(Debug)]
pub struct Before(Option<(Vec<u8>, SystemTime)>);

impl Before {
    /// Reads it, if it is there.
    pub fn read(file: &Path) -> Before {
        let time = file.metadata().and_then(|meta| meta.modified());
        Before(fs::read(file).ok().zip(time.ok()))
    }

    /// If the content is what it was, so shall be the time.
    pub fn restore_time(&self, file: &Path) -> anyhow::Result<()> {
        match &self.0 {
            Some((content, time)) if *content == fs::read(file)? => set_time(file, *time),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn time(path: PathBuf) -> SystemTime {
        path.metadata().unwrap().modified().unwrap()
    }

    #[test]
    fn only_changed_sources_look_new_and_objects_come_along() {
        let folder = tempfile::tempdir().unwrap();
        let (base, dir) = (folder.path().join("builds/base"), folder.path().join("dir"));
        fs::create_dir_all(&base).unwrap();
        fs::create_dir_all(&dir).unwrap();
        for name in ["same.c", "changed.c", "gone.c"] {
            fs::write(base.join(name), name).unwrap();
        }
        note(&base, "family").unwrap();
        fs::write(base.join("same.o"), "object").unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(1000);
        for name in ["same.c", "changed.c", "gone.c", "same.o"] {
            set_time(&base.join(name), long_ago).unwrap();
        }
        fs::write(dir.join("same.c"), "same.c").unwrap();
        fs::write(dir.join("changed.c"), "other").unwrap();
        fs::write(dir.join("new.c"), "new").unwrap();
        assert_eq!(newest(vec![base.clone()], "family"), Some(base.clone()));
        assert_eq!(newest(vec![base.clone()], "another"), None);
        adopt(&base, &dir).unwrap();
        assert_eq!(time(dir.join("same.c")), long_ago);
        assert_eq!(time(dir.join("same.o")), long_ago);
        assert!(time(dir.join("changed.c")) > long_ago);
        assert!(
            !dir.join("gone.c").exists(),
            "a source that is no more came back"
        );
    }
}
