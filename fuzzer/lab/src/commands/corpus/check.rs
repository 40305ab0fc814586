//! `lab corpus check`: every program leaves the same trace on every fresh boot.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use engine::Session;
use program::Program;

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

/// What the workers share.
struct Work {
    todo: Vec<(PathBuf, Program)>,
    stage: Stage,
    exits: Vec<Exit>,
}

/// Runs every program twice; the exit code is that of the first that differs or breaks something.
pub(super) fn run(campaign: &Path, instances: u64, options: &Options) -> anyhow::Result<Exit> {
    let (mut todo, args, rigs) = equipped(campaign, instances as usize, options)?;
    let all = todo.len();
    todo.reverse();
    let stage = Stage::begin("programs, each on two fresh boots", Some(all as u64));
    let work = Mutex::new(Work {
        todo,
        stage,
        exits: Vec::new(),
    });
    let _graceful = Graceful::hold();
    let ended: Vec<_> = thread::scope(|scope| {
        let (work, args) = (&work, &args);
        let start = |rig| scope.spawn(move || worker(work, args, rig));
        let threads: Vec<_> = rigs.into_iter().map(start).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a worker does not panic"))
            .collect()
    });
    ended.into_iter().collect::<anyhow::Result<()>>()?;
    let work = unlocked(work);
    work.stage.done();
    let (ran, exits) = (all - work.todo.len(), work.exits);
    println!(
        "{ran} of {all} programs ran twice; {} of them differed or broke something",
        exits.len()
    );
    Ok(Exit::first(exits))
}

fn worker(work: &Mutex<Work>, args: &RigArgs, mut rig: Rig) -> anyhow::Result<()> {
    let mut session = Session::new(&mut rig.target, args.expectation());
    while !interrupt::requested() {
        let Some((path, program)) = locked(work).todo.pop() else {
            break;
        };
        let (one, other) = (
            session.observe_afresh(&program)?,
            session.observe_afresh(&program)?,
        );
        let verdict = Verdict::new(&program, &one.trace, &one.violations);
        let exit = match one.trace == other.trace {
            true => verdict.exit(),
            false => Exit::NONDETERMINISM,
        };
        let mut work = locked(work);
        work.stage.step("");
        if exit != Exit::HELD {
            let what = match exit {
                Exit::NONDETERMINISM => "its traces differ from boot to boot".to_owned(),
                _ => verdict.to_string(),
            };
            work.stage.say(&format!("{}: {what}", path.display()));
            work.exits.push(exit);
        }
    }
    Ok(())
}
