//! Files that are whole or not there: written beside their place, synced, renamed.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Writes `bytes` to `path`. After a crash the file has its old content or all of the new one.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = parent(path);
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let aside = aside(path);
    write_synced(&aside, bytes)
        .and_then(|()| fs::rename(&aside, path))
        .and_then(|()| File::open(folder)?.sync_all())
        .with_context(|| {
            format!(
                "cannot write {}: is the disk full or read-only?",
                path.display()
            )
        })
}

/// Builds a folder with `fill` under a temporary name beside `path` and renames it into place, so that a half-written
/// folder never carries the final name. An older folder of that name is replaced.
pub fn write_folder(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let aside = aside(path);
    remove_folder(&aside)?;
    fs::create_dir_all(&aside)
        .with_context(|| format!("cannot make the folder {}", aside.display()))?;
    fill(&aside)?;
    remove_folder(path)?;
    fs::rename(&aside, path)
        .with_context(|| format!("cannot make the folder {}", path.display()))?;
    let parent = parent(path);
    let synced = File::open(parent).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("cannot sync {}", parent.display()))
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot replace the folder {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The process id keeps two campaigns that write the same name apart.
fn aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/program.vb2");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_could_not_be_filled_keeps_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("finding");
        write_folder(&path, |at| write(&at.join("a"), b"old")).unwrap();
        write_folder(&path, |_| anyhow::bail!("no")).unwrap_err();
        assert_eq!(fs::read(path.join("a")).unwrap(), b"old");
        write_folder(&path, |at| write(&at.join("b"), b"new")).unwrap();
        assert!(!path.join("a").exists());
        assert!(path.join("b").exists());
    }
}
