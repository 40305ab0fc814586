//! The build of the programs that run in the guest: static, because its root holds nothing else.

use std::path::{Path, PathBuf};

use super::cache::Cache;
use crate::{process, progress::Stage};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The programs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// What the guest runs as init.
    pub agent: PathBuf,
    /// A client that does what a compositor does.
    pub compositor: PathBuf,
}

/// Builds them. cargo knows what is fresh; a target folder of its own keeps clear of the cargo that runs the lab.
pub fn build(clone: &Path, cache: &Cache) -> anyhow::Result<Programs> {
    let folder = cache.root().join("agent");
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
    let programs = folder.join(TARGET).join("release");
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
    Ok(Programs {
        agent: programs.join("agent"),
        compositor: programs.join("compositor"),
    })
}
