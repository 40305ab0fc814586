//! Unpacking packages into a root without running any of their scripts, and what those would have done that programs need.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{process, progress::Stage, setup::cache};

/// What no program of the guest reads.
const DROPPED: [&str; 8] = [
    "usr/share/doc",
    "usr/share/doc-base",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/share/icons",
];

/// Folders that a release has moved below /usr, with a link in their place that one of its packages' scripts makes.
const MERGED: [&str; 4] = ["bin", "sbin", "lib", "lib64"];

/// Libraries that a package's script links into the folder above as one of several that would do.
const ALTERNATIVES: [&str; 2] = ["blas", "lapack"];

/// Unpacks all of the packages into `root`, which the guest's user can read.
pub(super) fn all(packages: &[PathBuf], root: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(root).with_context(|| root.display().to_string())?;
    let mut stage = Stage::begin("unpacking them", Some(packages.len() as u64));
    for package in packages {
        process::output(process::command("dpkg-deb").arg("-x").args([package, root]))?;
        stage.step(&cache::name(package));
    }
    for folder in DROPPED {
        remove(&root.join(folder))?;
    }
    merge(root)?;
    link_alternatives(root)?;
    // Nobody gets the rights of another user by a program of this folder.
    process::output(
        process::command("chmod")
            .args(["-R", "a+rX,ug-s"])
            .arg(root),
    )?;
    stage.done();
    Ok(())
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match folder.exists() {
        true => fs::remove_dir_all(folder).with_context(|| folder.display().to_string()),
        false => Ok(()),
    }
}

/// Older releases still have some packages that bring such a folder; then the loader looks into both.
fn merge(root: &Path) -> anyhow::Result<()> {
    for name in MERGED {
        let place = root.join(name);
        if !place.exists() {
            symlink(format!("usr/{name}"), &place).with_context(|| place.display().to_string())?;
        }
    }
    Ok(())
}

fn link_alternatives(root: &Path) -> anyhow::Result<()> {
    for machine in machines(root)? {
        for name in ALTERNATIVES {
            let folder = machine.join(name);
            if !folder.is_dir() {
                continue;
            }
            for library in cache::entries(&folder)? {
                let file = cache::name(&library);
                let place = machine.join(&file);
                if !place.exists() {
                    symlink(format!("{name}/{file}"), &place)
                        .with_context(|| place.display().to_string())?;
                }
            }
        }
    }
    Ok(())
}

/// The folders of libraries, one a machine, as `usr/lib/x86_64-linux-gnu`.
fn machines(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let libraries = root.join("usr/lib");
    if !libraries.is_dir() {
        return Ok(Vec::new());
    }
    let all = cache::entries(&libraries)?.into_iter();
    Ok(all
        .filter(|folder| cache::name(folder).ends_with("-linux-gnu"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_no_package_brings_are_links() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("lib")).unwrap();
        merge(root.path()).unwrap();
        let is_link = |name| root.path().join(name).is_symlink();
        assert_eq!(
            ["bin", "sbin", "lib", "lib64"].map(is_link),
            [true, true, false, true]
        );
    }

    #[test]
    fn a_library_that_has_alternatives_is_where_the_loader_looks() {
        let root = tempfile::tempdir().unwrap();
        let machine = root.path().join("usr/lib/x86_64-linux-gnu");
        fs::create_dir_all(machine.join("blas")).unwrap();
        fs::write(machine.join("blas/libblas.so.3"), "x").unwrap();
        link_alternatives(root.path()).unwrap();
        assert_eq!(fs::read(machine.join("libblas.so.3")).unwrap(), b"x");
    }
}
