//! Client programs in the target: the compositor's comparison, the kernel's own tests, and programs of anybody.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::{
    Check, Context,
    lab::{json, lab, number},
};
use crate::{exit::Exit, setup};

/// Frames of the comparison.
const FRAMES: u64 = 30;

/// What the kernel's own test must find, and on which driver.
const FOUND: [(&str, &str, &str); 7] = [
    ("--plant", "attach-at-qbuf", "double"),
    ("--attach", "buf_queue", "vim2m"),
    ("--plant", "imported-planes-only", "vim2m"),
    ("--plant", "private-resv-per-export", "vim2m"),
    ("--plant", "no-reserved-slot", "vim2m"),
    ("--plant", "write-on-output", "vim2m"),
    ("--plant", "read-on-capture", "vim2m"),
];

/// Checks of what runs beside the agent.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = vec![
        Check::new("run: a program's output and end are told", programs),
        Check::new("run: a fence without a job is found", unarmed),
        Check::new(
            "compositor: early without the series, endless in the draft's shape, neither with it",
            compared,
        ),
        Check::new(
            "selftest: passes on every driver, as the KUnit suite does",
            selftest,
        ),
    ];
    checks.extend(FOUND.map(|(option, name, driver)| {
        Check::new(
            format!("selftest: finds {name} on {driver}"),
            move |context| finds(context, &[option, name, "--driver", driver]),
        )
    }));
    checks
}

fn programs(context: &Context) -> anyhow::Result<()> {
    lab(context, &["run", "--", "/bin/echo", "said", "twice"])?
        .expect(Exit::HELD)?
        .says("said twice\n")?
        .says("every invariant held")?;
    lab(context, &["run", "--", "/bin/false"])?
        .expect(Exit::SETUP)?
        .says("exit code 1")?;
    lab(context, &["run", "--limit", "2", "--", "/bin/sleep", "60"])?
        .expect(Exit::SETUP)?
        .says("its time was over")?;
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("script");
    std::fs::write(&script, "#!/bin/sh\n")?;
    lab(context, &["run", "--", &script.display().to_string()])?
        .expect(Exit::SETUP)?
        .says("script")?;
    Ok(())
}

fn unarmed(context: &Context) -> anyhow::Result<()> {
    let compositor = setup::prepare(&context.options)?.compositor;
    let program = compositor.display().to_string();
    let client = ["--hand-over=qbuf", "--frames=8", "--starve=4"];
    let words = |attach| {
        let lab = ["run", "--attach", attach, "--", &program];
        lab.into_iter().chain(client).map(str::to_owned)
    };
    let draft: Vec<_> = words("buf_queue").collect();
    lab(context, &draft)?
        .expect(Exit::TIMING)?
        .says("I1: a pending fence is signalled in finite time")?;
    let series: Vec<_> = words("device_run").collect();
    lab(context, &series)?
        .expect(Exit::HELD)?
        .says("\"without_fence\":8")?;
    Ok(())
}

fn compared(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("compositor.json");
    let frames = FRAMES.to_string();
    let words = ["compositor", "--frames", &frames, "--json", text(&file)?];
    lab(context, &words)?.expect(Exit::HELD)?;
    let rows = json(&file)?;
    let rows = rows.as_array().context("the JSON file is no list")?;
    let kernels = ["vanilla", "draft", "series"];
    for kernel in kernels {
        ensure!(
            rows.iter().any(|row| row["kernel"] == kernel),
            "the kernel «{kernel}» is missing"
        );
    }
    rows.iter()
        .try_for_each(|row| claimed(row).with_context(|| row.to_string()))
}

/// What the project claims of one row.
fn claimed(row: &Value) -> anyhow::Result<()> {
    let is = |key: &str, value: &str| row[key] == value;
    let [frames, early, pending, waits] =
        ["frames", "early", "pending", "waits"].map(|key| number(row, key));
    let (frames, early, pending, waits) = (frames?, early?, pending?, waits?);
    let [endless, without_fence] = ["endless", "without_fence"].map(|key| number(row, key));
    let (endless, without_fence) = (endless?, without_fence?);
    let waits_at_all = !is("wait", "none");
    // vim2m has filled the frame when the system call returns that starts the job.
    let takes_time = !is("driver", "vim2m");
    if is("hand_over", "qbuf") {
        if is("kernel", "draft") {
            ensure!(endless > 0 && early == 0, "no wait is endless");
            ensure!(row["violations"]["I1"].as_u64() > Some(0), "I1 held");
        } else {
            ensure!(
                endless == 0 && frames == 0,
                "there was something to wait for"
            );
            ensure!(without_fence == waits && waits > 0, "there was a fence");
        }
        return Ok(());
    }
    ensure!(frames == FRAMES && endless == 0, "not every frame was used");
    if is("hand_over", "dqbuf") {
        ensure!(early == 0, "a dequeued frame was not whole");
    } else if is("kernel", "vanilla") || !waits_at_all {
        ensure!(pending == 0, "a fence was pending where there is none");
        ensure!(
            early == if takes_time { FRAMES } else { 0 },
            "used too late"
        );
    } else {
        ensure!(early == 0 && pending == FRAMES, "the wait was none");
    }
    Ok(())
}

fn selftest(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let outcomes = outcomes(context, folder.path(), &[], |ended| {
        ended.expect(Exit::HELD).map(drop)
    })?;
    ensure!(
        outcomes.len() == 5,
        "four drivers and KUnit, not {}",
        outcomes.len()
    );
    for outcome in outcomes {
        ensure!(
            number(&outcome, "passed")? >= 15,
            "too few tests passed: {outcome}"
        );
    }
    Ok(())
}

/// The kernel's own test fails, or does not survive; that the judge sees something is not enough.
fn finds(context: &Context, words: &[&str]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let words = [&["--only", "selftest"], words].concat();
    let outcomes = outcomes(context, folder.path(), &words, |ended| {
        ended.class().map(drop)
    })?;
    let outcome = outcomes.first().context("nothing ran")?;
    let failed = outcome["failed"]
        .as_array()
        .is_some_and(|failed| !failed.is_empty());
    ensure!(
        failed || outcome["trouble"].is_string(),
        "the selftest found nothing: {outcome}"
    );
    Ok(())
}

fn outcomes(
    context: &Context,
    folder: &Path,
    words: &[&str],
    expect: impl Fn(&super::lab::Ended) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Value>> {
    let file = folder.join("selftest.json");
    let words = [&["selftest", "--json", text(&file)?], words].concat();
    let ended = lab(context, &words)?;
    expect(&ended)?;
    match json(&file)? {
        Value::Array(outcomes) => Ok(outcomes),
        other => anyhow::bail!("the JSON file is no list: {other}"),
    }
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str()
        .context("the folder for temporary files has a name that is not UTF-8")
}
