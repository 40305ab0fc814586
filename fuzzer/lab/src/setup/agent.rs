//! The agent's build: a static program, because the guest's root holds nothing else.

use std::path::{Path, PathBuf};

use super::cache::Cache;
use crate::{process, progress::Stage};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the agent. cargo knows what is fresh; a target folder of its own keeps clear of the cargo that runs the lab.
pub fn build(clone: &Path, cache: &Cache) -> anyhow::Result<PathBuf> {
    let folder = cache.root().join("agent");
    let mut cargo = process::command("cargo");
    cargo.args([
        "build",
        "--locked",
        "--release",
        "--package",
        "agent",
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
    let program = folder.join(TARGET).join("release/agent");
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
    Ok(program)
}
