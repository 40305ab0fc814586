//! The double's knobs: each does what its page says, and each drill would notice if it did not.

use anyhow::ensure;

use super::{
    Check, Context,
    lab::{json, lab, number},
};
use crate::exit::Exit;

/// Fewer drills than this, and some did not run.
const DRILLS: u64 = 25;

/// Checks of the knobs.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("abi: header and docs are those of the table of knobs", abi),
        Check::new("drill: every knob does what it says", drills),
        Check::new("drill: no drill passes without its setting", inert),
    ]
}

fn abi(context: &Context) -> anyhow::Result<()> {
    lab(context, &["abi", "--check"])?
        .expect(Exit::HELD)
        .map(drop)
}

fn drills(context: &Context) -> anyhow::Result<()> {
    ran(context, &[], "passed")
}

fn inert(context: &Context) -> anyhow::Result<()> {
    ran(context, &["--inert"], "failed")
}

fn ran(context: &Context, words: &[&str], how: &str) -> anyhow::Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    let path = file.path().display().to_string();
    let words = [&["drill", "--json", &path], words].concat();
    lab(context, &words)?.expect(Exit::HELD)?;
    let outcome = json(file.path())?;
    let count = match outcome[how].as_array() {
        Some(drills) => drills.len() as u64,
        None => number(&outcome, how)?,
    };
    ensure!(count >= DRILLS, "only {count} drills {how}: {outcome}");
    Ok(())
}
