//! Files that are whole or not there: written beside their place, synced if they must outlast a power cut, renamed.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result};
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

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

/// As [`write`], but leaves it to others to sync: after the end of this process, however it ends, the file has its old
/// content or all of the new one; after a power cut it may be empty.
pub fn place(path: &Path, bytes: &[u8]) -> Result<()> {
    let aside = aside(path);
    fs::write(&aside, bytes)
        .and_then(|()| fs::rename(&aside, path))
        .with_context(|| format!("cannot write {}: is the disk full?", path.display()))
}

/// Builds a folder with `fill` under a temporary name beside `path` and renames it into place, so that a half-written
/// folder never carries the final name. An older folder of that name is replaced.
pub fn write_folder(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let aside = aside(path);
    remove_folder(&aside)?;
    fs::create_dir_all(&aside)
        .with_context(|| format!("cannot make the folder {}", aside.display()))?;
    fill(&aside)?;
    settle(&aside, path).with_context(|| format!("cannot make the folder {}", path.display()))?;
    let parent = parent(path);
    let synced = File::open(parent).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("cannot sync {}", parent.display()))
}

/// Gives a folder its name. If one of that name is there they change places: at no moment there is none.
fn settle(aside: &Path, path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(fs::rename(aside, path)?);
    }
    renameat2(
        AT_FDCWD,
        aside,
        AT_FDCWD,
        path,
        RenameFlags::RENAME_EXCHANGE,
    )?;
    remove_folder(aside)
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

/// What the names of files end with that are not whole yet.
const UNFINISHED: &str = ".new";

/// Process and number keep two that write the same name apart.
fn aside(path: &Path) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}-{number}{UNFINISHED}", std::process::id()));
    path.with_file_name(name)
}

/// Removes what processes that are gone did not finish.
pub fn sweep(folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if maker(&name).is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let removed = match path.is_dir() {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            removed.with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// The process that made a file of this name which is not whole yet.
fn maker(name: &str) -> Option<&str> {
    let rest = name.strip_prefix('.')?.strip_suffix(UNFINISHED)?;
    let (process, _) = rest.rsplit_once('.')?.1.split_once('-')?;
    Some(process)
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
    fn what_is_not_finished_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("program.vb2");
        write(&whole, b"one").unwrap();
        let nobody = format!(".finding.{}-0.new", u32::MAX);
        fs::create_dir(folder.path().join(nobody)).unwrap();
        let mine = aside(&whole);
        fs::write(&mine, b"tw").unwrap();
        sweep(folder.path()).unwrap();
        fs::remove_file(mine).expect("who writes it lives");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read(&whole).unwrap(), b"one");
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
