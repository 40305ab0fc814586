//! The Rust side of the tools: rustc, the standard library's source of exactly its version, and bindgen.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use super::{
    apt,
    cache::{Cache, Lock},
    key::Key,
    llvm::Llvm,
};
use crate::{process, progress::Stage};

/// The bindgen that is installed if there is none; the kernel asks for 0.71.1 or newer.
const BINDGEN: &str = "0.73.2";
const BINDGEN_MIN: [u32; 3] = [0, 71, 1];
/// What the kernel asks for.
const RUSTC_MIN: [u32; 3] = [1, 85, 0];

/// Everything that a kernel build needs beside the tree.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The C compiler, linker and binary tools.
    pub llvm: Llvm,
    /// `rustc --version`
    pub rustc: String,
    /// The source of the standard library.
    pub rust_src: PathBuf,
    /// The program.
    pub bindgen: PathBuf,
    /// `bindgen --version`
    pub bindgen_version: String,
    /// First line of `clang --version`
    pub clang: String,
}

/// Finds or fetches all of it. The packages must be there.
pub fn ensure(cache: &Cache, lock: &Lock) -> anyhow::Result<Toolchain> {
    let llvm = Llvm::find().context("no whole LLVM 19 or newer is installed")?;
    let rustc = rustc()?;
    let rust_src = rust_src(cache, lock, &rustc)?;
    let (bindgen, bindgen_version) = bindgen(cache, lock)?;
    Ok(Toolchain {
        clang: llvm.version()?,
        llvm,
        rustc,
        rust_src,
        bindgen,
        bindgen_version,
    })
}

impl Toolchain {
    /// Adds the versions to a key.
    pub fn key(&self, key: Key) -> Key {
        key.part("clang", &self.clang)
            .part("rustc", &self.rustc)
            .part("bindgen", &self.bindgen_version)
    }

    /// `make` for User-Mode Linux in `tree`, with these tools.
    pub fn make(&self, tree: &Path, jobs: usize) -> Command {
        let mut make = process::command("make");
        make.arg("-C").arg(tree).args([
            "ARCH=um",
            &format!("LLVM={}", self.llvm.make_value()),
            &format!("-j{jobs}"),
        ]);
        make.arg(format!("BINDGEN={}", self.bindgen.display()));
        make.env("RUST_LIB_SRC", &self.rust_src);
        if let Some(folder) = self.llvm.libclang() {
            make.env("LIBCLANG_PATH", folder);
        }
        // The same inputs shall give the same image, whoever builds it and when.
        make.env("LOCALVERSION", "")
            .env("KBUILD_BUILD_TIMESTAMP", "2026-01-01")
            .env("KBUILD_BUILD_USER", "lab")
            .env("KBUILD_BUILD_HOST", "lab");
        make
    }
}

/// `rustc --version`, refused if the kernel would refuse it.
pub fn rustc() -> anyhow::Result<String> {
    let said = process::output(process::command("rustc").arg("--version"))?
        .trim()
        .to_owned();
    let version = numbers(&said).with_context(|| format!("«rustc --version» says {said}"))?;
    anyhow::ensure!(
        version >= RUSTC_MIN,
        "{said} is too old for Linux 7.x, which asks for 1.85 or newer"
    );
    Ok(said)
}

/// The first `x.y.z` in a version line.
fn numbers(said: &str) -> Option<[u32; 3]> {
    let word = said.split_whitespace().nth(1)?;
    let mut parts = word.split(['.', '-']).map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

/// The standard library's source: rustup's, or the distribution's package of the same version.
fn rust_src(cache: &Cache, lock: &Lock, rustc: &str) -> anyhow::Result<PathBuf> {
    if let Some(dir) = installed_rust_src()? {
        return Ok(dir);
    }
    let version = rustc.split_whitespace().nth(1).unwrap_or_default();
    let place = cache.place("rust-src", version);
    if !place.exists() {
        if with_rustup()?
            && let Some(dir) = installed_rust_src()?
        {
            return Ok(dir);
        }
        packaged_rust_src(cache, lock, version)?;
    }
    library_in(&place).with_context(|| format!("{} holds no library folder", place.display()))
}

/// What rustc itself brought.
pub fn installed_rust_src() -> anyhow::Result<Option<PathBuf>> {
    let sysroot = process::output(process::command("rustc").args(["--print", "sysroot"]))?;
    let dir = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    Ok(dir.join("core/src/lib.rs").is_file().then_some(dir))
}

/// Asks rustup for the component. It cannot be had everywhere, so failure is an answer.
fn with_rustup() -> anyhow::Result<bool> {
    if process::find("rustup").is_none() {
        return Ok(false);
    }
    let stage = Stage::begin("rustup component add rust-src", None);
    match process::output(process::command("rustup").args(["component", "add", "rust-src"])) {
        Ok(_) => {
            stage.done();
            Ok(true)
        }
        Err(_) => {
            drop(stage);
            eprintln!(
                "rustup cannot fetch rust-src here; looking for the package of the same version"
            );
            Ok(false)
        }
    }
}

fn packaged_rust_src(cache: &Cache, lock: &Lock, version: &str) -> anyhow::Result<()> {
    let (suite, package) = apt::fetch(cache, "rust-src", |all| {
        apt::of_version(all, "rust-src", version)
    })
    .with_context(|| {
        format!(
            "the kernel build needs the source of rustc {version}'s standard library; \
             run `rustup component add rust-src`"
        )
    })?;
    lock.entry("rust-src", version, |dir| suite.unpack(&package, dir))?;
    Ok(())
}

/// The `library` folder in an unpacked package.
fn library_in(place: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(place.join("usr/src")).ok()?.flatten();
    folders
        .map(|folder| folder.path().join("library"))
        .find(|dir| dir.join("core/src/lib.rs").is_file())
}

/// A fitting bindgen: on the search path, or installed into the cache.
fn bindgen(cache: &Cache, lock: &Lock) -> anyhow::Result<(PathBuf, String)> {
    if let Some(found) = process::find("bindgen").and_then(fitting_bindgen) {
        return Ok(found);
    }
    let place = lock.entry("tools", &format!("bindgen-{BINDGEN}"), |dir| {
        install_bindgen(cache, dir)
    })?;
    fitting_bindgen(place.join("bin/bindgen"))
        .with_context(|| format!("{} does not run", place.display()))
}

fn fitting_bindgen(program: PathBuf) -> Option<(PathBuf, String)> {
    let said = process::output(process::command(&program).arg("--version"))
        .ok()?
        .trim()
        .to_owned();
    (numbers(&said)? >= BINDGEN_MIN).then_some((program, said))
}

fn install_bindgen(cache: &Cache, dir: &Path) -> anyhow::Result<()> {
    let mut stage = Stage::begin(format!("building bindgen {BINDGEN}"), Some(70));
    let mut cargo = process::command("cargo");
    cargo
        .args([
            "install",
            "bindgen-cli",
            "--locked",
            "--version",
            BINDGEN,
            "--no-track",
            "--root",
        ])
        .arg(dir);
    cargo
        .env("CARGO_TARGET_DIR", dir.join("target"))
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    process::logged(&mut cargo, &cache.log("bindgen"), |line| {
        if line.trim_start().starts_with("Compiling") {
            stage.step(line.trim());
        }
    })?;
    std::fs::remove_dir_all(dir.join("target")).with_context(|| dir.display().to_string())?;
    stage.done();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(
            numbers("rustc 1.95.0 (59807616e 2026-04-14)"),
            Some([1, 95, 0])
        );
        assert_eq!(numbers("rustc 1.96.0-nightly (x)"), Some([1, 96, 0]));
        assert_eq!(numbers("bindgen 0.71.1"), Some(BINDGEN_MIN));
        assert!(numbers("bindgen 0.9.0").unwrap() < BINDGEN_MIN);
        assert_eq!(numbers("bindgen"), None);
    }
}
