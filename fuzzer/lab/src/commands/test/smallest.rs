//! The smallest driver over the safe layer: it copies frames, its fences are as they should be, and v4l2-compliance has
//! nothing to say.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use judge::Expectation;

use super::{Check, Context};
use crate::{
    commands::compliance::{PROVOKED, words},
    rig::{Inside, RigArgs},
    setup::{cache::Cache, debian},
    theirs::Theirs,
};

/// The module, its driver, and its video device are called so.
const NAME: &str = "smallest_m2m";

/// Time of the guest that v4l2-compliance may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Checks of the smallest driver.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "smallest driver: copies frames, each with two fences",
            copies,
        ),
        Check::new("smallest driver: v4l2-compliance", complies),
    ]
}

fn target(context: &Context) -> anyhow::Result<Theirs> {
    let cache = Cache::open(context.options.cache.as_deref())?;
    let debian = debian::ensure(&cache, &[debian::TOOLS.to_owned()])?;
    let inside = Inside {
        debian: Some(debian),
        ..Inside::default()
    };
    let mut target = Theirs::ready(&context.options, &RigArgs::default(), inside, &PROVOKED)?;
    target.boot()?;
    Ok(target)
}

fn copies(context: &Context) -> anyhow::Result<()> {
    let visit = target(context)?.agent(&["--copy", NAME, "100"])?;
    ensure!(
        visit.violations.is_empty(),
        "the judge found: {:#?}",
        visit.violations
    );
    ensure!(
        visit.output.trim() == "frames 100 fences 200",
        "it said «{}»",
        visit.output
    );
    Ok(())
}

fn complies(context: &Context) -> anyhow::Result<()> {
    let mut target = target(context)?;
    target.agent(&["--load", NAME])?;
    let device = target.node(NAME)?;
    let expectation = Expectation {
        // Buffers of USERPTR memory have no fence, and the ledger does not tell which they are.
        opted_in: false,
        ..Expectation::default()
    };
    let visit = target.visit(&words(&device, &device, false), LIMIT, expectation)?;
    let total = visit
        .output
        .lines()
        .find(|line| line.starts_with("Total for"));
    let total = total.with_context(|| format!("no total:\n{}", visit.output))?;
    ensure!(
        visit.failure.is_none() && total.contains("Failed: 0, Warnings: 0"),
        "{}",
        visit.output
    );
    ensure!(
        visit.violations.is_empty(),
        "the judge found: {:#?}",
        visit.violations
    );
    Ok(())
}
