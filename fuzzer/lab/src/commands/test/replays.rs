//! The target: it builds, boots, and does the same every time.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, ensure};
use program::Driver;

use super::{
    Check, Context,
    lab::{json, lab, number},
};
use crate::{clone, exit::Exit, setup::cache};

/// Checks of builds, boots and replays.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("target: kernel, modules and agent build", |context| {
            held(context, &["kernel"])
        }),
        Check::new(
            "target: boots, loads and unloads the modules, powers off",
            |context| held(context, &["boot"]),
        ),
        Check::new("target: boots with kmemleak", |context| {
            held(context, &["boot", "--kmemleak"])
        }),
        Check::new(
            "replay: every seed holds, twice with equal traces",
            equal_traces,
        ),
        Check::new("replay: the driver goes while sync_files live", |context| {
            let seed = clone::root()?.join("corpus/seeds/09-reload-under-sync-file.vb2");
            held(
                context,
                &["replay", "--times", "2", &seed.display().to_string()],
            )
        }),
        seeds_of(Driver::Vim2m),
        seeds_of(Driver::VicodecEncoder),
        seeds_of(Driver::VicodecDecoder),
        Check::new("judge: judges a recorded trace as the replay did", recorded),
        Check::new("bench: measures", bench),
    ]
}

fn held(context: &Context, words: &[&str]) -> anyhow::Result<()> {
    lab(context, words)?.expect(Exit::HELD)?;
    Ok(())
}

fn equal_traces(context: &Context) -> anyhow::Result<()> {
    let corpus = clone::root()?.join("corpus");
    twice(context, &folders(&corpus)?)
}

/// The seeds of another driver than the double.
fn seeds_of(driver: Driver) -> Check {
    let name = driver.name();
    let title = format!("replay: every seed of {name} holds, twice with equal traces");
    Check::new(title, move |context| {
        let seeds = clone::root()?.join("corpus/seeds").join(name);
        let words = ["--driver".into(), name.into(), seeds.display().to_string()];
        twice(context, &words)
    })
}

/// Replays the same twice, each program on a fresh boot.
fn twice(context: &Context, what: &[String]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut traces = Vec::new();
    for name in ["one", "other"] {
        let dir = folder.path().join(name);
        let mut words = vec![
            "replay".to_owned(),
            "--trace-dir".into(),
            dir.display().to_string(),
        ];
        words.extend_from_slice(what);
        lab(context, &words)?.expect(Exit::HELD)?;
        traces.push(contents(&dir)?);
    }
    ensure!(!traces[0].is_empty(), "no trace was written");
    let differ = traces[0]
        .iter()
        .find(|(name, bytes)| traces[1].get(*name) != Some(bytes));
    ensure!(
        differ.is_none(),
        "the traces of {} differ",
        differ.map_or("", |(name, _)| name.as_str())
    );
    Ok(())
}

/// The folders of the corpus that hold programs.
fn folders(corpus: &Path) -> anyhow::Result<Vec<String>> {
    let mut folders = Vec::new();
    for folder in cache::entries(corpus)? {
        let is_program =
            |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "vb2");
        if folder.is_dir() && cache::entries(&folder)?.iter().any(is_program) {
            folders.push(folder.display().to_string());
        }
    }
    Ok(folders)
}

/// The files in a folder.
pub(super) fn contents(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let read = |path: &std::path::PathBuf| {
        Ok((
            cache::name(path),
            fs::read(path).with_context(|| path.display().to_string())?,
        ))
    };
    cache::entries(folder)?.iter().map(read).collect()
}

fn recorded(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let seed = clone::root()?
        .join("corpus/seeds/01-plain-job.vb2")
        .display()
        .to_string();
    let traces = folder.path().display().to_string();
    held(context, &["replay", &seed, "--trace-dir", &traces])?;
    held(
        context,
        &[
            "judge",
            &format!("{traces}/01-plain-job.jsonl"),
            "--program",
            &seed,
        ],
    )
}

/// Speed is told, never judged: a busy machine is no fault.
fn bench(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bench.json");
    held(
        context,
        &[
            "bench",
            "--seconds",
            "4",
            "--programs",
            "10",
            "--json",
            &file.display().to_string(),
        ],
    )?;
    let json = json(&file)?;
    ensure!(number(&json, "programs")? > 0, "nothing was measured");
    for key in ["programs_per_s", "ratio_to_c_loop", "first_program_s"] {
        ensure!(
            json[key].as_f64().is_some_and(|value| value > 0.0),
            "{key} is missing from the JSON file"
        );
    }
    Ok(())
}
