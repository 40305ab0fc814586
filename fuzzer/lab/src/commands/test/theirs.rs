//! Programs that nobody here wrote, on every node of the double and from every memory.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::{
    Check, Context,
    lab::{json, lab, number},
};
use crate::{
    exit::Exit,
    target::uml::double::{Memory, Node},
};

/// Fewer tests than any node has.
const FEWEST: u64 = 25;

/// Frames that each client streams.
const FRAMES: u64 = 300;

/// v4l2-compliance on one node.
const COMPLIANCE: [&str; 5] = ["compliance", "--node", "m2m", "--memory", "vmalloc"];

/// Checks of foreign programs.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = Vec::from(Node::ALL.map(|node| {
        let name = node.name();
        Check::new(
            format!("compliance: v4l2-compliance passes on the {name} node"),
            move |context| complies(context, &["--node", name, "--memory", "vmalloc"], 1),
        )
    }));
    checks.extend([
        Check::new(
            "compliance: v4l2-compliance passes on every node from DMA memory",
            |context| {
                let words = ["--memory", "dma-sg,dma-contig"];
                complies(context, &words, 2 * Node::ALL.len())
            },
        ),
        Check::new("compliance: a violation is a failure", |context| {
            finds(context, &COMPLIANCE, "read-on-capture", "I13")
        }),
        Check::new(
            "compliance: a fence that is missing is a failure",
            |context| finds(context, &COMPLIANCE, "capture-only", "I12"),
        ),
        Check::new(
            "clients: GStreamer, FFmpeg and v4l2-ctl get every frame",
            |context| stream(context, &[Memory::Vmalloc]),
        ),
        Check::new("clients: the same from DMA memory", |context| {
            stream(context, &[Memory::DmaSg, Memory::DmaContig])
        }),
        Check::new("clients: a violation is a failure", |context| {
            let words = ["clients", "--client", "gst-decode", "--memory", "vmalloc"];
            finds(context, &words, "read-on-capture", "I13")
        }),
    ]);
    checks
}

/// Every run passes, with tests that are made and fences that are attached.
fn complies(context: &Context, words: &[&str], runs: usize) -> anyhow::Result<()> {
    let words = [&["compliance"], words].concat();
    for outcome in outcomes(context, &words, runs)? {
        let told = || outcome.to_string();
        ensure!(number(&outcome, "passed")? >= FEWEST, told());
        ensure!(number(&outcome, "fences")? > 0, told());
    }
    Ok(())
}

fn stream(context: &Context, memories: &[Memory]) -> anyhow::Result<()> {
    let names: Vec<_> = memories.iter().map(|memory| memory.name()).collect();
    let (names, frames) = (names.join(","), FRAMES.to_string());
    let words = ["clients", "--memory", &names, "--frames", &frames];
    // Two clients need USERPTR, which dma-contig does not take from them.
    let runs = memories.iter().map(|memory| match memory {
        Memory::DmaContig => 2 * 9,
        _ => 2 * 11,
    });
    for outcome in outcomes(context, &words, runs.sum())? {
        let told = || outcome.to_string();
        ensure!(number(&outcome, "frames")? == FRAMES, told());
        let fences = ["attached", "signalled", "destroyed"].map(|key| number(&outcome, key).ok());
        ensure!(fences.iter().all(|count| *count == fences[0]), told());
    }
    Ok(())
}

/// With a planted bug that no client notices by itself, the same run breaks a promise.
fn finds(context: &Context, words: &[&str], plant: &str, invariant: &str) -> anyhow::Result<()> {
    let words = [words, &["--plant", plant]].concat();
    let ended = lab(context, &words)?;
    ended
        .expect(Exit::TIMING)?
        .says(&format!("{invariant}: "))?;
    Ok(())
}

fn outcomes(context: &Context, words: &[&str], runs: usize) -> anyhow::Result<Vec<Value>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("outcomes.json");
    let path = file.to_str().context("a name that is not UTF-8")?;
    let words = [words, &["--json", path]].concat();
    lab(context, &words)?.expect(Exit::HELD)?;
    let Value::Array(outcomes) = json(&file)? else {
        anyhow::bail!("the JSON file is no list");
    };
    ensure!(
        outcomes.len() == runs,
        "{} runs, not {runs}",
        outcomes.len()
    );
    Ok(outcomes)
}
