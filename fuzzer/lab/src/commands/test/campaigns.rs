//! Campaigns: a clean kernel stays clean, a seed repeats itself, and planted bugs are found by the right invariant.

mod foreign;

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::{
    Check, Context,
    lab::{json, lab, number},
    replays::contents,
};
use crate::{
    campaign, corpus,
    exit::Exit,
    plants::{self, Plant},
};

/// Programs of the clean campaign.
const CLEAN: &str = "2000";
/// Programs within which a planted bug must be found.
const PLANTED: &str = "5000";
/// Seed of all campaigns here.
const SEED: &str = "1";

/// Bugs that a whole campaign looks for: one of each class that is found by other means than a splat, and two that only one
/// oracle can find. `lab canaries` looks for all of them, and takes its time.
const SEARCHED: [&str; 6] = [
    "early-signal-on-abort",
    "imported-planes-only",
    "leak-on-streamoff",
    "lock-each-plane",
    "no-error",
    "wait-at-qbuf",
];

/// One check for each kind of campaign, and one or two for each planted bug.
pub(super) fn checks() -> anyhow::Result<Vec<Check>> {
    let mut checks = vec![
        Check::new("campaign: a clean kernel stays clean", clean),
        Check::new("campaign: a seed repeats itself", repeats),
        Check::new(
            "campaign: a driver that does not opt in has no fence",
            |context| without_fences(context, &["--programs", "500"]),
        ),
        Check::new(
            "campaign: attaching when a buffer is queued is found",
            |context| draft(context, &[]).map(drop),
        ),
        Check::new(
            "campaign: buffers of the other allocators stay clean",
            other_memories,
        ),
        Check::new("campaign: no memory leaks", no_leaks),
        Check::new(
            "model: the answers of 2,000 programs are as predicted, and most are",
            predicted,
        ),
    ];
    checks.extend(foreign::checks());
    for plant in plants::list()? {
        checks.push(kept(plant.clone()));
        checks.extend(
            SEARCHED
                .contains(&plant.name.as_str())
                .then(|| planted(plant)),
        );
    }
    Ok(checks)
}

/// Runs `lab fuzz` in a folder of its own and reads what it wrote.
pub(super) fn fuzz(
    context: &Context,
    folder: &Path,
    words: &[&str],
) -> anyhow::Result<(super::lab::Ended, Value)> {
    let file = folder.join("campaign.json");
    let paths = [
        folder.join("findings"),
        file.clone(),
        folder.join("campaign"),
    ];
    let paths = paths.map(|path| path.display().to_string());
    let common = [
        "fuzz",
        "--seed",
        SEED,
        "--findings",
        &paths[0],
        "--json",
        &paths[1],
        "--campaign",
        &paths[2],
    ];
    let words: Vec<&str> = common.into_iter().chain(words.iter().copied()).collect();
    let ended = lab(context, &words)?;
    let json = json(&file).with_context(|| ended.last_lines())?;
    Ok((ended, json))
}

fn clean(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (ended, json) = fuzz(context, folder.path(), &["--programs", CLEAN])?;
    ended
        .expect(Exit::HELD)?
        .says("repeat: cargo lab fuzz --seed 1 --programs 2000")?;
    ensure!(
        number(&json, "programs")?.to_string() == CLEAN,
        "not all programs ran"
    );
    ensure!(
        number(&json, "coverage")? > 0,
        "no coverage was seen: does the kernel have KCOV?"
    );
    let fences =
        ["fences_attached", "fences_signalled", "fences_pending"].map(|key| number(&json, key));
    let [attached, signalled, pending] = fences;
    ensure!(
        attached? > 0 && signalled? > 0 && pending? == 0,
        "the fence counts are wrong: {json}"
    );
    Ok(())
}

/// dma-sg and dma-contig have rules of their own for exports and imports.
fn other_memories(context: &Context) -> anyhow::Result<()> {
    for memory in ["dma-sg", "dma-contig"] {
        let folder = tempfile::tempdir()?;
        let words = ["--memory", memory, "--programs", "1500"];
        let (ended, json) = fuzz(context, folder.path(), &words)?;
        ended.expect(Exit::HELD)?;
        ensure!(
            number(&json, "fences_attached")? > 0,
            "no fence was attached to memory of {memory}"
        );
    }
    Ok(())
}

fn predicted(context: &Context) -> anyhow::Result<()> {
    let words = ["predict", "--programs", CLEAN, "--seed", SEED];
    lab(context, &words)?.expect(Exit::HELD)?;
    Ok(())
}

fn repeats(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut runs = Vec::new();
    for name in ["one", "other"] {
        let folder = folder.path().join(name);
        let (ended, json) = fuzz(context, &folder, &["--programs", "400"])?;
        ended.expect(Exit::HELD)?;
        let counts =
            ["programs", "operations", "coverage", "fences_attached"].map(|key| json[key].clone());
        let corpus = campaign::corpus_of(&folder.join("campaign"));
        runs.push((counts, contents(&corpus)?));
    }
    ensure!(
        runs[0].0 == runs[1].0,
        "two campaigns of one seed differ: {:?} and {:?}",
        runs[0].0,
        runs[1].0
    );
    ensure!(
        runs[0].1 == runs[1].1,
        "two campaigns of one seed have different corpora"
    );
    Ok(())
}

/// A campaign on a driver that does not opt in; `words` say which one, and how long.
fn without_fences(context: &Context, words: &[&str]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let words = [&["--attach", "none"], words].concat();
    let (ended, json) = fuzz(context, folder.path(), &words)?;
    ended.expect(Exit::HELD)?;
    ensure!(
        number(&json, "fences_attached")? == 0,
        "a fence was attached"
    );
    Ok(())
}

/// The posted draft's attach point is what the contract forbids: a queued buffer may never be run. `words` say with which
/// driver.
fn draft(context: &Context, words: &[&str]) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let fixed = [
        "--attach",
        "buf_queue",
        "--stop-after",
        "1",
        "--programs",
        PLANTED,
    ];
    let (ended, json) = fuzz(context, folder.path(), &[&fixed, words].concat())?;
    ended.expect(Exit::TIMING)?;
    repeated(context, &json)?;
    Ok(json)
}

fn no_leaks(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (ended, _) = fuzz(context, folder.path(), &["--kmemleak", "--programs", "300"])?;
    ended.expect(Exit::HELD)?;
    Ok(())
}

fn planted(plant: Plant) -> Check {
    Check::new(format!("plant: {} is found", plant.name), move |context| {
        find(context, &plant)
    })
}

fn find(context: &Context, plant: &Plant) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (ended, json) = fuzz(
        context,
        folder.path(),
        &["--plant", &plant.name, "--programs", PLANTED],
    )?;
    let class = ended.class()?;
    let invariant = json["findings"][0]["invariant"]
        .as_str()
        .context("the JSON file has no finding")?;
    ensure!(
        plant.invariants.iter().any(|name| name == invariant),
        "{invariant} was found broken instead of {}",
        plant.invariants.join(" or ")
    );
    ensure!(
        number(&json["findings"][0], "exit_code")? == u64::from(class.0),
        "the exit code is not the finding's"
    );
    repeated(context, &json)
}

fn kept(plant: Plant) -> Check {
    Check::new(
        format!("plant: the program kept for {} trips on it", plant.name),
        move |context| trips(context, &plant),
    )
}

/// The regression of a bug breaks one of its invariants where the bug is. That it breaks none where it is not is checked
/// with all the other regressions.
fn trips(context: &Context, plant: &Plant) -> anyhow::Result<()> {
    let file = corpus::regression_of(&plant.name)?;
    ensure!(
        file.is_file(),
        "{} is missing: cargo lab canaries {} --save",
        file.display(),
        plant.name
    );
    let path = file.display().to_string();
    let replay = lab(context, &["replay", "--plant", &plant.name, &path])?;
    replay.class()?;
    let told = |name: &String| replay.says(&format!("  {name}: ")).is_ok();
    ensure!(
        plant.invariants.iter().any(told),
        "it does not break {}:\n{}",
        plant.invariants.join(" or "),
        replay.last_lines()
    );
    Ok(())
}

/// The first finding repeated three times when it was found, and `lab replay` repeats it.
fn repeated(context: &Context, json: &Value) -> anyhow::Result<()> {
    let finding = &json["findings"][0];
    ensure!(
        finding["reproduced"] == "3/3",
        "the finding does not repeat: {finding}"
    );
    let folder = finding["folder"]
        .as_str()
        .context("the finding has no folder")?;
    let replay = lab(context, &["replay", folder])?;
    ensure!(
        u64::from(replay.class()?.0) == number(finding, "exit_code")?,
        "the replay ended with another exit code"
    );
    replay.says("repeated: ")?;
    Ok(())
}
