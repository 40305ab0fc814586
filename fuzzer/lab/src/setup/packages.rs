//! Programs and headers that a build needs from the distribution: what is missing, and its installation.

use std::path::Path;

use anyhow::{Context, bail};

use super::{
    cache::Cache,
    llvm::{self, Llvm},
};
use crate::{process, progress::Stage};

/// How to see that a package's content is there, whoever installed it.
#[derive(Clone, Copy, Debug)]
enum Sign {
    /// A program on the search path.
    Program(&'static str),
    /// One of these files.
    File(&'static [&'static str]),
}

/// Package names (Debian's) and their signs, without LLVM's.
const NEEDED: [(&str, Sign); 9] = [
    ("bc", Sign::Program("bc")),
    ("bison", Sign::Program("bison")),
    ("flex", Sign::Program("flex")),
    ("gcc", Sign::Program("cc")),
    (
        "libc6-dev",
        Sign::File(&[
            "/usr/include/x86_64-linux-gnu/gnu/libc-version.h",
            "/usr/include/gnu/libc-version.h",
        ]),
    ),
    ("make", Sign::Program("make")),
    ("patch", Sign::Program("patch")),
    ("perl", Sign::Program("perl")),
    ("xz-utils", Sign::Program("xz")),
];

/// What the checks of a series need beyond that. sparse is not among them: the releases' own is mostly too old for the
/// kernel, see [`super::sparse`].
const FOR_SERIES: [(&str, Sign); 3] = [
    ("git", Sign::Program("git")),
    ("libelf-dev", Sign::File(&["/usr/include/gelf.h"])),
    ("python3", Sign::Program("python3")),
];

/// Names of the packages that are missing.
pub fn missing() -> Vec<String> {
    let mut names = absent(&NEEDED);
    if Llvm::find().is_none() {
        let major = llvm::installable();
        names.extend(["clang", "lld", "llvm"].map(|part| format!("{part}-{major}")));
        names.push(format!("libclang-{major}-dev"));
    }
    names
}

fn missing_for_series() -> Vec<String> {
    let mut names = missing();
    names.extend(absent(&FOR_SERIES));
    names
}

fn absent(packages: &[(&str, Sign)]) -> Vec<String> {
    let absent = packages.iter().filter(|(_, sign)| !sign.is_there());
    absent.map(|(name, _)| (*name).into()).collect()
}

impl Sign {
    fn is_there(self) -> bool {
        match self {
            Sign::Program(name) => process::find(name).is_some(),
            Sign::File(names) => names.iter().any(|name| Path::new(name).exists()),
        }
    }
}

/// Installs what is missing, or says how to.
pub fn ensure(cache: &Cache, may_install: bool) -> anyhow::Result<()> {
    ensure_none(&missing, cache, may_install)
}

/// The same with what the checks of a series need. Waits for no other lab if nothing is missing.
pub fn ensure_for_series(cache: &Cache, may_install: bool) -> anyhow::Result<()> {
    if missing_for_series().is_empty() {
        return Ok(());
    }
    let _lock = cache.lock()?;
    ensure_none(&missing_for_series, cache, may_install)
}

fn ensure_none(
    look: &dyn Fn() -> Vec<String>,
    cache: &Cache,
    may_install: bool,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        cfg!(all(target_arch = "x86_64", target_os = "linux")),
        "User-Mode Linux needs an x86-64 Linux host"
    );
    let missing = look();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    let install = format!("apt-get install --no-install-recommends {names}");
    if process::find("apt-get").is_none() {
        bail!(
            "the build needs what Debian packages as: {names}; install your distribution's counterparts"
        );
    }
    if !nix::unistd::geteuid().is_root() || !may_install {
        bail!("the build needs packages that are missing; as root run: {install}");
    }
    eprintln!("missing packages: {names}");
    with_apt(cache, &missing)?;
    recheck(&look())
}

fn with_apt(cache: &Cache, missing: &[String]) -> anyhow::Result<()> {
    let log = cache.log("packages");
    let mut stage = Stage::begin(format!("installing {} packages", missing.len()), None);
    let mut step = |line: &str| {
        if ["Get:", "Unpacking", "Setting up"]
            .iter()
            .any(|word| line.starts_with(word))
        {
            stage.step(line);
        }
    };
    let apt = || {
        let mut command = process::command("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    process::logged(apt().args(["-y", "update"]), &log, &mut step)?;
    let install = ["-y", "install", "--no-install-recommends"];
    process::logged(apt().args(install).args(missing), &log, &mut step)
        .context("packages could not be installed")?;
    stage.done();
    Ok(())
}

fn recheck(missing: &[String]) -> anyhow::Result<()> {
    anyhow::ensure!(
        missing.is_empty(),
        "installed, and still not found: {}",
        missing.join(" ")
    );
    Ok(())
}
