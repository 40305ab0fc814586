//! The sources: formatting, lints, unit tests.

use super::{Check, Context};
use crate::{clone, process};

/// One check for each cargo command that must succeed.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("sources: cargo fmt", |context| {
            cargo(context, "fmt", &["fmt", "--all", "--check"])
        }),
        Check::new("sources: cargo clippy", |context| {
            let lints = [
                "clippy",
                "--locked",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ];
            cargo(context, "clippy", &lints)
        }),
        Check::new("sources: cargo test", |context| {
            cargo(
                context,
                "unit",
                &["test", "--locked", "--workspace", "--no-fail-fast"],
            )
        }),
    ]
}

fn cargo(context: &Context, name: &str, words: &[&str]) -> anyhow::Result<()> {
    let mut cargo = process::command("cargo");
    cargo.args(words).current_dir(clone::root()?);
    process::logged(
        &mut cargo,
        &context.cache.log(&format!("test-{name}")),
        |_| (),
    )
}
