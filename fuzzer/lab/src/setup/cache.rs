//! The cache outside the clone: sources, tools and builds. An entry is whole or not there.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};

use crate::interrupt::Scrap;

/// Name of the folders that are not whole yet; whatever bears it while nobody holds the lock is left from a crash.
const UNFINISHED: &str = ".unfinished-";

/// Kinds of entries, one folder each.
const KINDS: [&str; 7] = [
    "source", "rust-src", "kernel", "modules", "programs", "tools", "debian",
];

/// The cache folder.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens the cache in `folder`, or in its usual place, and makes it if need be.
    pub fn open(folder: Option<&Path>) -> anyhow::Result<Cache> {
        let root = match folder {
            Some(folder) => std::path::absolute(folder)?,
            None => usual_place()?,
        };
        // Kbuild refuses such source folders, but only deep in the build.
        let name = root.display().to_string();
        ensure!(
            !name.contains([' ', ':']),
            "the cache is {name}: a kernel builds in no folder with a space or colon in it; \
             choose another with --cache DIR"
        );
        for folder in KINDS.iter().chain(&["logs"]) {
            let folder = root.join(folder);
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let tag = root.join("CACHEDIR.TAG");
        if !tag.exists() {
            std::fs::write(
                &tag,
                "Signature: 8a477f597d28d172789f06886806bc55\n# vb2-fence-lab can make all of this again.\n",
            )?;
        }
        Ok(Cache { root })
    }

    /// The cache's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the entry `name` of `kind` is, or would be.
    pub fn place(&self, kind: &str, name: &str) -> PathBuf {
        self.root.join(kind).join(name)
    }

    /// The entries of a kind that are whole.
    pub fn whole(&self, kind: &str) -> anyhow::Result<Vec<PathBuf>> {
        let all = entries(&self.root.join(kind))?.into_iter();
        Ok(all
            .filter(|entry| !name(entry).starts_with(UNFINISHED))
            .collect())
    }

    /// A fresh log file for a long command.
    pub fn log(&self, name: &str) -> PathBuf {
        let log = self.root.join("logs").join(format!("{name}.log"));
        // A log of an earlier run would only mislead; that it is not there is no error.
        let _ = std::fs::remove_file(&log);
        log
    }

    /// Waits until no other lab is in its set-up, and cleans what a killed one left half-made.
    pub fn lock(&self) -> anyhow::Result<Lock> {
        let path = self.root.join("lock");
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        if !try_lock(&file)? {
            let mut holder = String::new();
            file.read_to_string(&mut holder)?;
            eprintln!("waiting for the set-up of another lab: {}", holder.trim());
            file.lock().with_context(|| path.display().to_string())?;
        }
        file.set_len(0)?;
        file.rewind()?;
        let words: Vec<_> = std::env::args().skip(1).collect();
        writeln!(file, "pid {}: lab {}", std::process::id(), words.join(" "))?;
        let lock = Lock {
            cache: self.clone(),
            file,
        };
        lock.clean()?;
        Ok(lock)
    }

    /// Fails if less than `gib` GiB are free for what `purpose` says.
    pub fn ensure_space(&self, gib: f64, purpose: &str) -> anyhow::Result<()> {
        let free = free_gib(&self.root)?;
        ensure!(
            free >= gib,
            "{} has {free:.1} GiB free, {purpose} needs {gib:.1} GiB: make room (`cargo lab kernel --clean` \
             removes builds that are not in use), or choose another disk with --cache DIR",
            self.root.display()
        );
        Ok(())
    }
}

/// Free space for an ordinary user on the disk that holds `folder`, in GiB.
pub fn free_gib(folder: &Path) -> anyhow::Result<f64> {
    let stat = nix::sys::statvfs::statvfs(folder).with_context(|| folder.display().to_string())?;
    Ok(stat.blocks_available() as f64 * stat.fragment_size() as f64 / f64::from(1 << 30))
}

/// Takes the lock unless another process holds it.
pub fn try_lock(file: &File) -> anyhow::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => {
            Err(error).context("cannot lock a file in the cache; is it on a network disk?")
        }
    }
}

fn usual_place() -> anyhow::Result<PathBuf> {
    let caches = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    match caches.or_else(home) {
        Some(caches) => Ok(caches.join("vb2-fence-lab")),
        None => bail!(
            "neither $XDG_CACHE_HOME nor $HOME is set; say where to keep builds with --cache DIR"
        ),
    }
}

/// The right to make entries.
#[derive(Debug)]
pub struct Lock {
    cache: Cache,
    file: File,
}

impl Drop for Lock {
    /// Closing the file is not enough: a child that another thread has forked, and that has not come to its program yet,
    /// holds a copy of the descriptor, and with it the lock.
    fn drop(&mut self) {
        // Closing it is all that is left to do if this fails.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Makes the entry `name` of `kind` by `make` in a folder beside its place, and renames it into place when whole.
    pub fn entry(
        &self,
        kind: &str,
        name: &str,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        let place = self.cache.place(kind, name);
        if !place.exists() {
            let scrap = Scrap::make(self.cache.place(kind, &format!("{UNFINISHED}{name}")))?;
            make(scrap.path())?;
            scrap.keep(&place)?;
        }
        Ok(place)
    }

    /// Removes what is not whole. Nobody else can be at work on it: this process holds the lock.
    fn clean(&self) -> anyhow::Result<()> {
        for kind in KINDS {
            for folder in entries(&self.cache.root.join(kind))? {
                if name(&folder).starts_with(UNFINISHED) {
                    eprintln!(
                        "removing {}, which an interrupted run left",
                        folder.display()
                    );
                    std::fs::remove_dir_all(&folder)
                        .with_context(|| folder.display().to_string())?;
                }
            }
        }
        Ok(())
    }
}

/// What is in `folder`, by name.
pub fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let read =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = read
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The last component of a path, for messages and comparisons.
pub fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_made_entry_is_never_there() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        let lock = cache.lock().unwrap();
        let failed = lock.entry("kernel", "k", |path| {
            std::fs::write(path.join("half"), "x")?;
            bail!("compiler")
        });
        assert!(failed.is_err() && !cache.place("kernel", "k").exists());
        let place = lock
            .entry("kernel", "k", |path| {
                Ok(std::fs::write(path.join("whole"), "x")?)
            })
            .unwrap();
        assert!(place.join("whole").exists());
        lock.entry("kernel", "k", |_| bail!("made twice")).unwrap();
    }

    #[test]
    fn the_lock_cleans_what_a_crash_left() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        let left = cache.place("kernel", ".unfinished-k");
        std::fs::create_dir(&left).unwrap();
        let lock = cache.lock().unwrap();
        assert!(!left.exists());
        let other = File::open(folder.path().join("lock")).unwrap();
        assert!(!try_lock(&other).unwrap(), "a second lab got the lock");
        drop(lock);
        assert!(try_lock(&other).unwrap());
    }

    #[test]
    fn a_folder_that_kbuild_would_refuse_is_refused_first() {
        let folder = tempfile::tempdir().unwrap();
        let error = Cache::open(Some(&folder.path().join("a b")))
            .unwrap_err()
            .to_string();
        assert!(error.contains("--cache"), "{error}");
    }

    #[test]
    fn too_little_space_is_told_before_the_build() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        let error = cache.ensure_space(1e9, "a build").unwrap_err().to_string();
        assert!(
            error.contains("a build needs") && error.contains("--cache"),
            "{error}"
        );
    }
}
