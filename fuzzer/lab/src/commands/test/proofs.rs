//! `lab prove`: a small bound of a scope holds and can be checked, what is wrong is not proved, and a kill loses nothing.

use std::{fs, path::Path, process::Stdio, thread, time::Duration};

use anyhow::{Context as _, ensure};
use program::Program;

use super::{
    Check, Context,
    campaigns::fuzz,
    lab::{json, lab, number},
};
use crate::{exit::Exit, findings, process, rig, setup::cache};

/// The scope that the series was written for.
const SCOPE: &str = "reconfig-resize";
/// A bound that holds the first steps of a reconfig, and takes seconds.
const DEPTH: &str = "6";
/// Bounds of the other scopes that take seconds, and reach what each is about.
const OTHERS: [(&str, &str); 6] = [
    ("reconfig-steps", "4"),
    ("streamoff-running", "7"),
    ("close-and-rmmod", "7"),
    ("two-stages", "6"),
    ("requests", "6"),
    ("two-actors", "8"),
];
/// Bugs that a reconfig trips on, as options, and the exit code of their class.
const WRONG: [(&str, &str, Exit); 4] = [
    ("--plant", "early-signal-on-abort", Exit::EARLY),
    ("--plant", "signal-before-last-write", Exit::EARLY),
    ("--plant", "source-change-flushes-armed", Exit::EARLY),
    ("--attach", "buf_queue", Exit::TIMING),
];

/// One check for what holds of each scope, one for what can be tampered with, one for each bug.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = vec![
        Check::new(
            "proof: a small bound of a scope holds, and is confirmed",
            holds,
        ),
        Check::new(
            "proof: a certificate with other records is refused",
            tampered,
        ),
        Check::new("proof: goes on after a kill", killed),
    ];
    checks.extend(OTHERS.map(|(scope, depth)| {
        let name = format!("proof: a small bound of {scope} holds");
        Check::new(name, move |context| bounded(context, scope, depth))
    }));
    checks.extend(WRONG.map(|(option, name, exit)| {
        Check::new(
            format!("proof: {name} has a counterexample, no longer than that of a campaign"),
            move |context| refuted(context, [option, name], exit),
        )
    }));
    checks
}

/// The command line of a proof that is kept in a folder.
fn words(folder: &Path, scope: &str, depth: &str) -> Vec<String> {
    let place = |name: &str| folder.join(name).display().to_string();
    let words = ["prove", scope, "--depth", depth, "--samples", "100"];
    let mut words: Vec<String> = words.map(str::to_owned).into();
    words.extend([
        "--proofs".into(),
        place("proofs"),
        "--findings".into(),
        place("findings"),
    ]);
    words
}

fn certificate(folder: &Path, scope: &str, depth: &str) -> std::path::PathBuf {
    folder.join(format!("proofs/{scope}-depth-{depth}/certificate.json"))
}

/// Fences are pending in some of the states, and all pairs show the same.
fn bounded(context: &Context, scope: &str, depth: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    lab(context, &words(folder.path(), scope, depth))?.expect(Exit::HELD)?;
    let json = json(&certificate(folder.path(), scope, depth))?;
    ensure!(
        number(&json["extent"], "fence_states")? > 1,
        "no fence was attached"
    );
    ensure!(
        number(&json["checks"], "pruned")? == 100,
        "not all pairs were compared"
    );
    Ok(())
}

fn holds(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    lab(context, &words(folder.path(), SCOPE, DEPTH))?.expect(Exit::HELD)?;
    let file = certificate(folder.path(), SCOPE, DEPTH);
    let json = json(&file)?;
    let extent = &json["extent"];
    for key in [
        "states",
        "transitions",
        "programs",
        "fences",
        "fence_states",
    ] {
        ensure!(number(extent, key)? > 0, "the certificate counts no {key}");
    }
    ensure!(
        number(&json["checks"], "pruned")? == 100,
        "not all pairs were compared"
    );
    ensure!(
        number(&json["checks"], "repeated")? > 0,
        "nothing ran on a fresh boot"
    );
    let check = [
        "prove",
        "--check",
        &file.display().to_string(),
        "--samples",
        "100",
    ];
    lab(context, &check)?.expect(Exit::HELD)?.says("100 of ")?;
    Ok(())
}

fn tampered(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    lab(context, &words(folder.path(), SCOPE, "2"))?.expect(Exit::HELD)?;
    let file = certificate(folder.path(), SCOPE, "2");
    let check = ["prove", "--check", &file.display().to_string()];
    let runs = file.with_file_name("runs");
    let mut bytes = fs::read(&runs)?;
    bytes[0] ^= 1;
    fs::write(&runs, &bytes)?;
    lab(context, &check)?
        .expect(Exit::MALFORMED)?
        .says("not those that it was made of")?;
    Ok(())
}

/// A proof is killed when it has run some programs; the same command runs the rest.
fn killed(context: &Context) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let words = words(folder.path(), SCOPE, DEPTH);
    let mut command = process::command(std::env::current_exe()?);
    command
        .args(&words)
        .args(rig::kernel_arguments(&context.options));
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let runs = certificate(folder.path(), SCOPE, DEPTH).with_file_name("runs");
    let some = || fs::read(&runs).is_ok_and(|bytes| bytes.iter().any(|byte| *byte != 0));
    while !some() && child.try_wait()?.is_none() {
        thread::sleep(Duration::from_millis(20));
    }
    // SIGKILL: nothing is tidied up.
    child.kill()?;
    child.wait()?;
    ensure!(some(), "the proof ended before it ran a program");
    let ended = lab(context, &words)?;
    ended.expect(Exit::HELD)?;
    // It does not begin with nothing done.
    ensure!(
        ended.says("running programs: 0 of").is_err(),
        "the proof began anew"
    );
    Ok(())
}

fn refuted(context: &Context, [option, name]: [&str; 2], exit: Exit) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut words = words(folder.path(), SCOPE, DEPTH);
    words.extend([option.to_owned(), name.to_owned()]);
    lab(context, &words)?.expect(exit)?.says("not proved: ")?;
    let proved = only_program(&folder.path().join("findings"))?;

    let fuzzed = tempfile::tempdir()?;
    let bound = ["--programs", "5000", "--stop-after", "1", option, name];
    fuzz(context, fuzzed.path(), &bound)?;
    let fuzzed = only_program(&fuzzed.path().join("findings"))?;
    ensure!(
        proved.steps.len() <= fuzzed.steps.len(),
        "the proof's counterexample has {} operations, the campaign's {}:\n{proved}\n{fuzzed}",
        proved.steps.len(),
        fuzzed.steps.len()
    );
    Ok(())
}

/// The minimised program of the only finding in a folder.
fn only_program(findings: &Path) -> anyhow::Result<Program> {
    let folders = cache::entries(findings)?;
    let [folder] = folders.as_slice() else {
        anyhow::bail!(
            "{} holds {} findings instead of one",
            findings.display(),
            folders.len()
        );
    };
    findings::read_program(&folder.join(findings::PROGRAM)).context("the finding's program")
}
