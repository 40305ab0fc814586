//! The build of the programs that run in the guest: static, because its root holds nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{
    cache::Cache,
    in_use::{self, InUse},
    key::Key,
};
use crate::{process, progress::Stage};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What is built.
const NAMES: [&str; 2] = ["agent", "compositor"];

/// Builds and folders of clones that stay in the cache: labs of other clones, or of other states of this one, have theirs.
const KEPT: usize = 6;

/// The programs.
#[derive(Debug)]
pub struct Programs {
    /// Where they are. Nobody removes the folder while this lives.
    pub in_use: InUse,
    /// What the guest runs as init.
    pub agent: PathBuf,
    /// A client that does what a compositor does.
    pub compositor: PathBuf,
}

/// Builds them. cargo knows what is fresh, but tells the same crate in two clones apart by nothing but the time of its files:
/// each clone has a target folder of its own, which also keeps clear of the cargo that runs the lab.
///
/// Other labs may go on with their set-up meanwhile: cargo keeps two builds of one clone apart.
pub fn build(clone: &Path, cache: &Cache) -> anyhow::Result<Programs> {
    let built = compile(clone, cache)?;
    let lock = cache.lock()?;
    // The next lab may build other ones in their place.
    let mut key = Key::new("programs");
    for name in NAMES {
        key = key.file(name, &built.join(name))?;
    }
    let folder = lock.entry("programs", &key.finish(), |folder| {
        for name in NAMES {
            fs::copy(built.join(name), folder.join(name)).context(name)?;
        }
        Ok(())
    })?;
    let in_use = InUse::mark(&folder)?;
    for kind in ["programs", "agent"] {
        prune(cache, kind)?;
    }
    Ok(Programs {
        in_use,
        agent: folder.join("agent"),
        compositor: folder.join("compositor"),
    })
}

/// Removes the oldest folders of a kind that nobody uses.
fn prune(cache: &Cache, kind: &str) -> anyhow::Result<()> {
    let mut all = cache.whole(kind)?;
    all.retain(|folder| folder.is_dir());
    all.sort_by_key(|folder| std::cmp::Reverse(in_use::last(folder)));
    for folder in all.into_iter().skip(KEPT) {
        if !in_use::is_in_use(&folder)? {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
    }
    Ok(())
}

/// Has cargo build them, and tells where.
fn compile(clone: &Path, cache: &Cache) -> anyhow::Result<PathBuf> {
    let name = Key::new("agent").part("clone", clone.as_os_str().as_encoded_bytes());
    let folder = cache.place("agent", &name.finish());
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let _in_use = InUse::mark(&folder)?;
    let mut cargo = process::command("cargo");
    cargo.args([
        "build",
        "--locked",
        "--release",
        "--package",
        "agent",
        "--package",
        "compositor",
        "--target",
        TARGET,
    ]);
    cargo
        .arg("--manifest-path")
        .arg(clone.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder);
    cargo
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static");
    let mut stage: Option<Stage> = None;
    process::logged(&mut cargo, &cache.log("agent"), |line| {
        if line.trim_start().starts_with("Compiling") {
            stage
                .get_or_insert_with(|| Stage::begin("building the agent", None))
                .step(line.trim());
        }
    })?;
    if let Some(stage) = stage {
        stage.done();
    }
    Ok(folder.join(TARGET).join("release"))
}
