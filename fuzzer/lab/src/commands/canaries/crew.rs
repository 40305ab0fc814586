//! Runs campaigns, one a core.

use std::{collections::VecDeque, sync::Mutex, thread};

use super::{
    complete,
    results::{Record, Results},
    trial::{Shop, Trial},
};
use crate::{
    interrupt,
    lock::{locked, unlocked},
    progress::Stage,
    target::uml::host,
};

/// What the workers share.
struct Work {
    todo: VecDeque<Trial>,
    results: Results,
    stage: Stage,
}

/// Runs the `new` ones among `trials`; gives the records of all. What is done is kept even if one ends in an error.
pub(super) fn run(
    shop: &Shop<'_>,
    trials: &[Trial],
    new: Vec<Trial>,
    results: Results,
) -> anyhow::Result<Vec<Record>> {
    if new.is_empty() {
        return complete(&results, trials);
    }
    let cores = host::cores()?;
    let workers = cores.len().min(new.len());
    let stage = Stage::begin("campaigns", Some(new.len() as u64));
    let work = Mutex::new(Work {
        todo: new.into(),
        results,
        stage,
    });
    let one = |core: usize| {
        let worked = worker(&work, |trial| trial.run(shop, core));
        if worked.is_err() {
            // The others end with what they are at.
            locked(&work).todo.clear();
        }
        worked
    };
    let worked: Vec<_> = thread::scope(|scope| {
        let cores = cores.into_iter().take(workers);
        // A thread each, since the kernel that it boots dies with it.
        let threads: Vec<_> = cores.map(|core| scope.spawn(move || one(core))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a worker does not panic"))
            .collect()
    });
    worked.into_iter().collect::<anyhow::Result<()>>()?;
    let Work { results, stage, .. } = unlocked(work);
    stage.done();
    complete(&results, trials)
}

fn worker(
    work: &Mutex<Work>,
    run: impl Fn(&Trial) -> anyhow::Result<Option<Record>>,
) -> anyhow::Result<()> {
    while !interrupt::requested() {
        let Some(trial) = locked(work).todo.pop_front() else {
            break;
        };
        let Some(record) = run(&trial)? else {
            break;
        };
        let mut work = locked(work);
        let line = line(&record);
        work.stage.say(&line);
        work.stage.step(&record.trial.bug);
        work.results.add(record)?;
    }
    Ok(())
}

/// What a campaign came to, for the terminal.
fn line(record: &Record) -> String {
    let Record { trial, .. } = record;
    let what = match &record.found {
        Some(found) => format!(
            "{} after {:.1} s, {} programs; {} operations, minimised to {}",
            found.invariant, found.seconds, found.programs, found.operations, found.minimised
        ),
        None if record.unrepeated => "found what does not repeat".into(),
        None => format!(
            "missed in {:.0} s, {} programs",
            record.seconds, record.programs
        ),
    };
    format!(
        "{:26} {:11} seed {}: {what}",
        trial.bug,
        trial.way.name(),
        trial.seed
    )
}
