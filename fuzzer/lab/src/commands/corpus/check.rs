//! `lab corpus check`: every program leaves the same trace, whatever ran before it.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use engine::Session;
use program::Program;
use sha2::{Digest, Sha256};
use trace::{ProgramHash, Trace, file};

use super::equipped;
use crate::{
    exit::Exit,
    interrupt::{self, Graceful},
    lock::{locked, unlocked},
    progress::Stage,
    rig::{Rig, RigArgs},
    setup::Options,
    verdict::Verdict,
};

/// A program and its file.
type Entry = (PathBuf, Program);

/// Runs every program twice; the exit code is that of the first that differs or breaks something.
///
/// A quick check does so on kernels that go on from program to program, and on fresh ones with those alone that differ or break
/// something there.
pub(super) fn run(
    campaign: &Path,
    instances: u64,
    quick: bool,
    options: &Options,
) -> anyhow::Result<Exit> {
    let (mut programs, args, mut rigs) = equipped(campaign, instances as usize, options)?;
    let _graceful = Graceful::hold();
    if quick {
        let all = programs.len();
        let (ran, suspects) = shared(&mut rigs, &args, programs)?;
        println!(
            "{ran} of {all} programs ran twice, each time after others; {} of them differed or broke something there",
            suspects.len()
        );
        programs = suspects;
    }
    let all = programs.len();
    let stage = Stage::begin("programs, each on two fresh boots", Some(all as u64));
    let exits = share(&mut rigs, &args, stage, programs, afresh)?;
    let ran = exits.len();
    let bad: Vec<_> = exits
        .into_iter()
        .filter(|exit| *exit != Exit::HELD)
        .collect();
    println!(
        "{ran} of {all} programs ran twice on fresh boots; {} of them differed or broke something",
        bad.len()
    );
    anyhow::ensure!(
        !bad.is_empty() || !interrupt::requested(),
        "interrupted: what did not run is not checked"
    );
    Ok(Exit::first(bad))
}

/// Runs a program on two fresh boots, and tells what is wrong with it.
fn afresh(
    session: &mut Session<'_>,
    stage: &Mutex<Stage>,
    (path, program): Entry,
) -> anyhow::Result<Exit> {
    let (one, other) = (
        session.observe_afresh(&program)?,
        session.observe_afresh(&program)?,
    );
    let verdict = Verdict::new(&program, &one.trace, &one.violations);
    let (exit, what) = match one.trace == other.trace {
        true => (verdict.exit(), verdict.to_string()),
        false => (
            Exit::NONDETERMINISM,
            "its traces differ from boot to boot".to_owned(),
        ),
    };
    if exit != Exit::HELD {
        locked(stage).say(&format!("{}: {what}", path.display()));
    }
    Ok(exit)
}

/// What a program left behind on a kernel that others had run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left {
    trace: [u8; 32],
    held: bool,
}

/// Runs all programs forwards and then backwards, so that others ran before each of them. Gives how many ran twice, and those of
/// them that differed or broke something.
fn shared(
    rigs: &mut [Rig],
    args: &RigArgs,
    programs: Vec<Entry>,
) -> anyhow::Result<(usize, Vec<Entry>)> {
    let jobs: Vec<usize> = (0..programs.len())
        .chain((0..programs.len()).rev())
        .collect();
    let stage = Stage::begin("programs, forwards and backwards", Some(jobs.len() as u64));
    let each = |session: &mut Session<'_>, _: &Mutex<Stage>, index: usize| {
        let program = &programs[index].1;
        let run = session.observe(program, false)?;
        let left = Left {
            trace: digest(program, &run.trace),
            held: run.violations.is_empty(),
        };
        Ok((index, left))
    };
    let (ran, suspects) = pair(programs.len(), share(rigs, args, stage, jobs, each)?);
    let entries = programs.into_iter().zip(suspects);
    let suspects = entries.filter_map(|(entry, suspect)| suspect.then_some(entry));
    Ok((ran, suspects.collect()))
}

fn digest(program: &Program, trace: &Trace) -> [u8; 32] {
    Sha256::digest(file::print(ProgramHash::of(program), trace)).into()
}

/// How many programs have two runs, and which of them are suspect.
fn pair(programs: usize, runs: impl IntoIterator<Item = (usize, Left)>) -> (usize, Vec<bool>) {
    let mut first: Vec<Option<Left>> = vec![None; programs];
    let mut suspects = vec![false; programs];
    let mut ran = 0;
    for (index, left) in runs {
        if let Some(before) = first[index].replace(left) {
            ran += 1;
            suspects[index] = before != left || !left.held;
        }
    }
    (ran, suspects)
}

/// Does the jobs in their order on all rigs, each of which takes the next one. An interrupt leaves the rest undone.
fn share<J: Send, R: Send>(
    rigs: &mut [Rig],
    args: &RigArgs,
    stage: Stage,
    jobs: Vec<J>,
    each: impl Fn(&mut Session<'_>, &Mutex<Stage>, J) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<Vec<R>> {
    let (jobs, stage) = (Mutex::new(jobs.into_iter()), Mutex::new(stage));
    let next = || locked(&jobs).next().filter(|_| !interrupt::requested());
    let work = |rig: &mut Rig| -> anyhow::Result<Vec<R>> {
        let mut session = Session::new(&mut rig.target, args.expectation());
        let mut results = Vec::new();
        while let Some(job) = next() {
            results.push(each(&mut session, &stage, job)?);
            locked(&stage).step("");
        }
        Ok(results)
    };
    let ended: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = rigs
            .iter_mut()
            .map(|rig| scope.spawn(|| work(rig)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker does not panic"))
            .collect()
    });
    unlocked(stage).done();
    let results: Vec<_> = ended.into_iter().collect::<anyhow::Result<_>>()?;
    Ok(results.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_or_breaks_is_suspect_and_what_ran_once_is_not_counted() {
        let left = |byte, held| Left {
            trace: [byte; 32],
            held,
        };
        let runs = [
            (0, left(1, true)),
            (1, left(2, true)),
            (2, left(3, false)),
            (3, left(4, true)),
            (2, left(3, false)),
            (1, left(9, true)),
            (0, left(1, true)),
        ];
        assert_eq!(pair(4, runs), (3, vec![false, true, true, false]));
    }

    #[test]
    fn a_digest_tells_traces_apart() {
        let program = Program::default();
        let trace = |count| Trace {
            events: vec![trace::Event::LedgerLost { count }],
        };
        assert_ne!(digest(&program, &trace(0)), digest(&program, &trace(1)));
    }
}
