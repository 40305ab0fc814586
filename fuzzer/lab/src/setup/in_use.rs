//! Marks on builds that some lab works with, so that another one that cleans up leaves them alone.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context;

use super::cache::{self, Cache, Lock};

/// In each build, the file that is locked.
const MARK: &str = ".lab-in-use";

/// As long as it lives, the build is in use.
#[derive(Debug)]
pub struct InUse {
    _file: File,
}

impl InUse {
    /// Marks a build. Any number of labs may.
    pub fn mark(build: &Path) -> anyhow::Result<InUse> {
        let path = build.join(MARK);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.with_context(|| path.display().to_string())?;
        // Its time tells which build was used last.
        file.set_modified(SystemTime::now())
            .with_context(|| path.display().to_string())?;
        file.lock_shared()
            .with_context(|| path.display().to_string())?;
        Ok(InUse { _file: file })
    }
}

/// Removes the oldest kernel builds that nobody uses, so that at most `most` are left, with their modules.
pub fn prune(cache: &Cache, lock: &Lock, most: usize) -> anyhow::Result<()> {
    let mut kernels = cache.whole("kernel")?;
    kernels.sort_by_key(|build| std::cmp::Reverse(last(build)));
    let mut kept = Vec::new();
    for (newer, build) in kernels.into_iter().enumerate() {
        if newer < most || is_in_use(&build)? {
            kept.push(build);
        }
    }
    let kernels = kept;
    let keys: Vec<_> = kernels.iter().map(|build| cache::name(build)).collect();
    let of_kept = |modules: &PathBuf| keys.iter().any(|key| cache::name(modules).starts_with(key));
    let modules = cache.whole("modules")?.into_iter().filter(of_kept);
    let keep: Vec<_> = modules.chain(kernels).collect();
    clean(cache, lock, &keep).map(drop)
}

/// Removes every kernel build but `keep` that nobody uses, and all modules of removed kernels; gives what it removed.
pub fn clean(cache: &Cache, _lock: &Lock, keep: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for kind in ["kernel", "modules"] {
        for build in cache.whole(kind)? {
            if !keep.contains(&build) && !is_in_use(&build)? {
                fs::remove_dir_all(&build).with_context(|| build.display().to_string())?;
                removed.push(build);
            }
        }
    }
    Ok(removed)
}

/// When somebody last began to use the build.
pub fn last(build: &Path) -> Option<SystemTime> {
    fs::metadata(build.join(MARK))
        .and_then(|meta| meta.modified())
        .ok()
}

/// Whether some lab works with the build.
pub fn is_in_use(build: &Path) -> anyhow::Result<bool> {
    match File::open(build.join(MARK)) {
        Ok(file) => Ok(!cache::try_lock(&file)?),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pruning_keeps_what_was_used_last_and_its_modules() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        let lock = cache.lock().unwrap();
        let build = |kind: &str, name: &str| lock.entry(kind, name, |_| Ok(())).unwrap();
        let (new, newer) = (build("kernel", "a"), build("kernel", "b"));
        let in_the_making = cache.place("kernel", ".unfinished-c");
        fs::create_dir(&in_the_making).unwrap();
        let (modules_of_new, modules_of_newer) = (build("modules", "a-1"), build("modules", "b-1"));
        InUse::mark(&newer).unwrap();
        InUse::mark(&new).unwrap();
        prune(&cache, &lock, 1).unwrap();
        assert!(new.exists() && modules_of_new.exists() && in_the_making.exists());
        assert!(!newer.exists() && !modules_of_newer.exists());
    }

    #[test]
    fn cleaning_leaves_what_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        let lock = cache.lock().unwrap();
        let build = |name: &str| {
            lock.entry("kernel", name, |dir| {
                Ok(fs::write(dir.join("linux"), name)?)
            })
            .unwrap()
        };
        let (used, unused, kept) = (build("used"), build("unused"), build("kept"));
        let mark = InUse::mark(&used).unwrap();
        assert_eq!(
            clean(&cache, &lock, std::slice::from_ref(&kept)).unwrap(),
            [unused]
        );
        drop(mark);
        assert_eq!(clean(&cache, &lock, &[kept]).unwrap(), [used]);
    }
}
