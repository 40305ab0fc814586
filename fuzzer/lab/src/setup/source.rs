//! Where the kernel comes from: a given tree, or the distribution's source package.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{
    Options, apt,
    cache::{self, Cache, Lock},
    tree,
};
use crate::{exit::malformed, process, progress::Stage};

/// A kernel tree to build from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its root folder.
    pub dir: PathBuf,
    /// Its version, as `make kernelversion` says.
    pub version: String,
    /// What tells it from other trees and other states of itself.
    pub identity: String,
    /// True if the lab unpacked it: nobody edits it, so that links to its files are as good as copies.
    pub packaged: bool,
}

/// The tree that the options name, else the one in the cache, else a fresh one from apt.
pub fn find(options: &Options, cache: &Cache, lock: &Lock) -> anyhow::Result<Source> {
    match &options.kernel_tree {
        Some(dir) => given(dir),
        None => packaged(cache, lock),
    }
}

/// A tree of the user's.
fn given(dir: &Path) -> anyhow::Result<Source> {
    of_user(dir, check)
}

/// A tree of the user's that is not built whole: of any version, as long as it has what a series is checked with.
pub fn given_for_series(dir: &Path) -> anyhow::Result<Source> {
    of_user(dir, |dir| {
        let version = version_of(dir)?;
        let script = dir.join("scripts/checkpatch.pl");
        let missing = || {
            malformed(format!(
                "{} is missing; this is no whole kernel tree",
                script.display()
            ))
        };
        script.is_file().then_some(version).ok_or_else(missing)
    })
}

fn of_user(dir: &Path, check: impl Fn(&Path) -> anyhow::Result<String>) -> anyhow::Result<Source> {
    let dir = dir
        .canonicalize()
        .map_err(|error| malformed(format!("{}: {error}", dir.display())))?;
    let version = check(&dir)?;
    let stage = Stage::begin(format!("looking through {}", dir.display()), None);
    let identity = tree::state(&dir)?;
    stage.done();
    Ok(Source {
        dir,
        version,
        identity,
        packaged: false,
    })
}

/// Refuses what is no kernel tree or not a version that the series and the bindings fit; gives the version.
pub fn check(dir: &Path) -> anyhow::Result<String> {
    let refuse = |file: &str, why: &str| malformed(format!("{}: {why}", dir.join(file).display()));
    let version = version_of(dir)?;
    if !version.starts_with("7.") {
        return Err(refuse(
            "Makefile",
            &format!("is of Linux {version}; the lab builds 7.x"),
        ));
    }
    for file in [
        "Kbuild",
        "arch/um/Makefile",
        "rust/Makefile",
        "drivers/media/common/videobuf2/videobuf2-core.c",
    ] {
        if !dir.join(file).is_file() {
            return Err(refuse(file, "is missing; this is no whole kernel tree"));
        }
    }
    Ok(version)
}

fn version_of(dir: &Path) -> anyhow::Result<String> {
    let place = dir.join("Makefile");
    let refuse = |why: String| malformed(format!("{}: {why}", place.display()));
    let makefile = fs::read_to_string(&place)
        .map_err(|error| refuse(format!("{error}; this is no kernel tree")))?;
    version(&makefile).ok_or_else(|| refuse("has no VERSION; this is no kernel tree".into()))
}

/// `VERSION`, `PATCHLEVEL`, `SUBLEVEL` and `EXTRAVERSION` of the top Makefile, put together.
fn version(makefile: &str) -> Option<String> {
    let value = |name: &str| {
        let mut lines = makefile
            .lines()
            .take(20)
            .filter_map(|line| line.split_once('='));
        lines
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim())
    };
    let parts = [value("VERSION")?, value("PATCHLEVEL")?, value("SUBLEVEL")?];
    parts
        .iter()
        .all(|part| part.parse::<u32>().is_ok())
        .then(|| parts.join(".") + value("EXTRAVERSION").unwrap_or(""))
}

/// The unpacked source package, fetched if there is none yet.
fn packaged(cache: &Cache, lock: &Lock) -> anyhow::Result<Source> {
    of_package(match unpacked(cache)? {
        Some(dir) => dir,
        None => fetch(cache, lock, "linux-source-7.", apt::newest_kernel)?,
    })
}

/// The lab's own source package, or that of a version like `7.2`. Waits for no other lab if it is there.
pub fn package(cache: &Cache, version: Option<&str>) -> anyhow::Result<Source> {
    let Some(version) = version else {
        let there = unpacked(cache)?.map(of_package);
        return there.unwrap_or_else(|| packaged(cache, &cache.lock()?));
    };
    let name = format!("linux-source-{version}");
    let find = || -> anyhow::Result<_> {
        let of_version = |dir: &PathBuf| cache::name(dir).starts_with(&format!("{name}_"));
        Ok(cache.whole("source")?.into_iter().rfind(of_version))
    };
    if let Some(there) = find()? {
        return of_package(there);
    }
    let lock = cache.lock()?;
    of_package(match find()? {
        Some(dir) => dir,
        None => fetch(cache, &lock, &name, |all| apt::named(all, &name))?,
    })
}

fn of_package(dir: PathBuf) -> anyhow::Result<Source> {
    Ok(Source {
        version: check(&dir)?,
        identity: cache::name(&dir),
        dir,
        packaged: true,
    })
}

/// The unpacked source package that the lab builds from, if it is there: the one that apt would be asked for first.
pub fn unpacked(cache: &Cache) -> anyhow::Result<Option<PathBuf>> {
    let rank = |dir: &PathBuf| apt::rank(cache::name(dir).split('_').next().unwrap_or_default());
    let all = cache.whole("source")?.into_iter();
    Ok(all.max_by_key(rank))
}

fn fetch(
    cache: &Cache,
    lock: &Lock,
    prefix: &str,
    choose: impl Fn(&[apt::Package]) -> Option<apt::Package>,
) -> anyhow::Result<PathBuf> {
    cache.ensure_space(2.5, "the kernel source")?;
    let (suite, package) = apt::fetch(cache, prefix, choose)?;
    let name = format!(
        "{}_{}",
        package.name,
        package.version.replace([':', '~'], "-")
    );
    lock.entry("source", &name, |dir| {
        let parts = dir.join(".package");
        suite.unpack(&package, &parts)?;
        let stage = Stage::begin("unpacking the kernel source", None);
        unpack(&parts.join("usr/src"), dir)?;
        fs::remove_dir_all(&parts).with_context(|| parts.display().to_string())?;
        stage.done();
        Ok(())
    })
}

/// Unpacks the tarball that the package holds, without its top folder.
fn unpack(folder: &Path, into: &Path) -> anyhow::Result<()> {
    let files = cache::entries(folder)?;
    let tarball = files
        .iter()
        .find(|file| cache::name(file).contains(".tar."));
    let tarball = tarball.with_context(|| format!("{} holds no tarball", folder.display()))?;
    let mut tar = process::command("tar");
    tar.arg("xf")
        .arg(tarball)
        .args(["--strip-components=1", "--no-same-owner", "-C"])
        .arg(into);
    process::output(&mut tar)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAKEFILE: &str =
        "# SPDX\nVERSION = 7\nPATCHLEVEL = 4\nSUBLEVEL = 0\nEXTRAVERSION = -rc2\nNAME = X\n";

    #[test]
    fn the_version_is_read() {
        assert_eq!(version(MAKEFILE).as_deref(), Some("7.4.0-rc2"));
        assert_eq!(version("all:\n\tcc x.c\n"), None);
    }

    #[test]
    fn another_version_in_the_cache_does_not_become_the_lab_s_own() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        for name in [
            "linux-source-7.2_7.2.9-1",
            "linux-source-7.3_7.3.4-1",
            "linux-source-7.4_7.4.1-1",
        ] {
            fs::create_dir_all(cache.place("source", name)).unwrap();
        }
        let own = unpacked(&cache).unwrap().unwrap();
        assert_eq!(cache::name(&own), "linux-source-7.3_7.3.4-1");
    }

    #[test]
    fn what_is_no_kernel_tree_is_refused_with_file_and_reason() {
        let folder = tempfile::tempdir().unwrap();
        let told = || format!("{:#}", check(folder.path()).unwrap_err());
        assert!(
            told().contains("Makefile") && told().contains("no kernel tree"),
            "{}",
            told()
        );
        fs::write(
            folder.path().join("Makefile"),
            MAKEFILE.replace("VERSION = 7", "VERSION = 6"),
        )
        .unwrap();
        assert!(
            told().contains("Linux 6.4.0-rc2; the lab builds 7.x"),
            "{}",
            told()
        );
        fs::write(folder.path().join("Makefile"), MAKEFILE).unwrap();
        assert!(
            told().contains("Kbuild") && told().contains("missing"),
            "{}",
            told()
        );
    }
}
