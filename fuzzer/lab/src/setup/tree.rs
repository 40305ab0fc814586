//! Copies of kernel trees. A given tree is never written to; builds happen in copies.

use std::{
    fs::{self, File, FileTimes, Metadata},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{cache, key::Key};

/// How a file gets into the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Its content is copied, its time kept.
    Copy,
    /// A hard link: for sources inside the cache, which nobody edits in place. Falls back to a copy.
    Link,
}

/// Copies the tree `from` to `to` (which exists), without what an earlier build in it left.
pub fn copy(
    from: &Path,
    to: &Path,
    how: How,
    wanted: &dyn Fn(&Path) -> bool,
) -> anyhow::Result<()> {
    for path in walk(from, wanted)? {
        let target = to.join(
            path.strip_prefix(from)
                .expect("walk() gives paths below its root"),
        );
        put(&path, &target, how)
            .with_context(|| format!("copying {} to {}", path.display(), target.display()))?;
    }
    Ok(())
}

fn put(path: &Path, target: &Path, how: How) -> anyhow::Result<()> {
    let meta = path.symlink_metadata()?;
    if meta.is_dir() {
        fs::create_dir_all(target)?;
    } else if meta.is_symlink() {
        symlink(fs::read_link(path)?, target)?;
    } else if how == How::Copy || fs::hard_link(path, target).is_err() {
        copy_file(path, target, &meta)?;
    }
    Ok(())
}

fn copy_file(path: &Path, target: &Path, meta: &Metadata) -> anyhow::Result<()> {
    fs::copy(path, target)?;
    // The owner writes to the copy even where the original is read-only.
    fs::set_permissions(target, fs::Permissions::from_mode(meta.mode() | 0o200))?;
    let times = FileTimes::new().set_modified(meta.modified()?);
    Ok(File::options().write(true).open(target)?.set_times(times)?)
}

/// Every path below `root` that is wanted, folders before what is in them, sorted.
fn walk(root: &Path, wanted: &dyn Fn(&Path) -> bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in cache::entries(&folder)? {
            if !wanted(
                path.strip_prefix(root)
                    .expect("entries() gives paths below its folder"),
            ) {
                continue;
            }
            if path
                .symlink_metadata()
                .with_context(|| path.display().to_string())?
                .is_dir()
            {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    Ok(found)
}

/// False for what git keeps and what an in-tree build leaves: a copy is as clean as after `make mrproper`.
pub fn is_source(path: &Path) -> bool {
    const BUILT: [&str; 8] = [
        ".git",
        ".config",
        ".config.old",
        "include/config",
        "include/generated",
        "Module.symvers",
        "vmlinux",
        "linux",
    ];
    let name = cache::name(path);
    let built = BUILT.iter().any(|built| path == Path::new(built))
        || (path.starts_with("arch") && path.ends_with("include/generated"))
        || (name.starts_with('.') && name.ends_with(".cmd"))
        || [".o", ".ko", ".a", ".mod", ".mod.c", ".order", ".rmeta"]
            .iter()
            .any(|end| name.ends_with(end));
    !built
}

/// Every file below `root`, relative to it.
pub fn files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let below = |path: PathBuf| {
        path.strip_prefix(root)
            .expect("walk() gives paths below its root")
            .to_owned()
    };
    Ok(walk(root, &|_| true)?
        .into_iter()
        .filter(|path| !path.is_dir() || path.is_symlink())
        .map(below)
        .collect())
}

/// What tells this state of a tree from another: name, size and time of each source file. Quicker than reading 1.8 GB.
pub fn state(root: &Path) -> anyhow::Result<String> {
    let mut key = Key::new("tree 1");
    for path in walk(root, &is_source)? {
        let meta = path.symlink_metadata()?;
        if !meta.is_dir() {
            let line = format!(
                "{} {} {}.{}",
                path.display(),
                meta.size(),
                meta.mtime(),
                meta.mtime_nsec()
            );
            key = key.part("file", line);
        }
    }
    Ok(key.finish())
}

/// The content of every file below `folder`, as one part of a key.
pub fn contents(mut key: Key, folder: &Path) -> anyhow::Result<Key> {
    for path in walk(folder, &is_source)? {
        if path.is_file() {
            let name = path
                .strip_prefix(folder)
                .expect("walk() gives paths below its root")
                .display()
                .to_string();
            key = key.file(&name, &path)?;
        }
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_leaves_the_original_alone_and_drops_what_was_built() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for sub in [
            "from/drivers",
            "from/include/config",
            "from/include/linux",
            "to",
        ] {
            fs::create_dir_all(folder.path().join(sub)).unwrap();
        }
        for file in [
            "drivers/a.c",
            "drivers/a.o",
            "drivers/.a.o.cmd",
            "include/config/X",
            "include/linux/a.h",
            ".config",
        ] {
            fs::write(from.join(file), file).unwrap();
        }
        let before = state(&from).unwrap();
        copy(&from, &to, How::Copy, &is_source).unwrap();
        assert_eq!(
            fs::read_to_string(to.join("drivers/a.c")).unwrap(),
            "drivers/a.c"
        );
        assert!(to.join("include/linux/a.h").exists());
        for file in [
            "drivers/a.o",
            "drivers/.a.o.cmd",
            "include/config",
            ".config",
        ] {
            assert!(!to.join(file).exists(), "{file}");
        }
        fs::write(to.join("drivers/a.c"), "changed").unwrap();
        assert_eq!(before, state(&from).unwrap());
        fs::write(from.join("drivers/a.c"), "changed too").unwrap();
        assert_ne!(before, state(&from).unwrap());
    }

    #[test]
    fn times_are_kept_and_links_are_links() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(&from).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(from.join("a.c"), "a").unwrap();
        symlink("a.c", from.join("b.c")).unwrap();
        copy(&from, &to, How::Copy, &|_| true).unwrap();
        let time = |path: &Path| path.metadata().unwrap().modified().unwrap();
        assert_eq!(time(&from.join("a.c")), time(&to.join("a.c")));
        assert_eq!(fs::read_link(to.join("b.c")).unwrap(), Path::new("a.c"));
    }
}
