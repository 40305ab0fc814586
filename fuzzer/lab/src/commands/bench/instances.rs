//! What a second instance adds: programs a second of two guests at once against those of one alone, in turns.

use std::{
    sync::{Barrier, Mutex},
    thread,
    time::Duration,
};

use anyhow::Context;
use engine::Session;
use judge::Expectation;
use program::Program;
use serde::Serialize;

use super::speed::{Tally, watched};
use crate::{
    lock::{locked, unlocked},
    rig::Rig,
    target::uml::host,
};

/// Instances that are compared with one.
pub(super) const COUNT: usize = 2;
/// How often each phase comes.
const ROUNDS: u32 = 4;

/// Who works in each phase: either alone, and both in between, so that whatever else the machine does slows down all.
const PHASES: [[bool; COUNT]; 3] = [[true, false], [true, true], [false, true]];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Instances {
    cores: usize,
    one_programs_per_s: f64,
    two_programs_per_s: f64,
    two_to_one: f64,
}

/// Runs alone and together of one instance.
type Tallies = (Tally, Tally);

/// Measures for about so long. `cores` are those that the lab may use.
pub(super) fn measure(
    rigs: Vec<Rig>,
    cores: usize,
    expectation: Expectation,
    programs: &[Program],
    limit: Duration,
) -> anyhow::Result<Instances> {
    let turn = limit / (ROUNDS * PHASES.len() as u32);
    let barrier = Barrier::new(rigs.len());
    let failure = Mutex::new(None);
    let work = |number: usize, mut rig: Rig| {
        let mut session = Session::new(&mut rig.target, expectation);
        let mut tallies = Tallies::default();
        for phase in PHASES.iter().cycle().take(PHASES.len() * ROUNDS as usize) {
            barrier.wait();
            let tally = match phase.iter().filter(|works| **works).count() {
                1 => &mut tallies.0,
                _ => &mut tallies.1,
            };
            // One that has failed still comes to the barrier: the other waits for it there.
            if phase[number] && locked(&failure).is_none() {
                let ran = session
                    .observe(&programs[0], true)
                    .and_then(|_| watched(&mut session, programs, turn, tally));
                if let Err(error) = ran {
                    *locked(&failure) = Some(error);
                }
            }
        }
        tallies
    };
    let tallies: Vec<Tallies> = thread::scope(|scope| {
        // A thread each, since the kernel that it boots dies with it.
        let rigs = rigs.into_iter().enumerate();
        let work = &work;
        let threads: Vec<_> = rigs
            .map(|(number, rig)| scope.spawn(move || work(number, rig)))
            .collect();
        let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
        joined.collect::<Result<_, _>>()
    })
    .ok()
    .context("an instance panicked")?;
    match unlocked(failure) {
        Some(error) => Err(error),
        None => Ok(numbers(&tallies, cores)),
    }
}

fn numbers(tallies: &[Tallies], cores: usize) -> Instances {
    let rate = |tally: &Tally| tally.per_second(tally.runs);
    let alone: f64 = tallies.iter().map(|(alone, _)| rate(alone)).sum();
    let one = alone / tallies.len() as f64;
    let two = tallies.iter().map(|(_, together)| rate(together)).sum();
    Instances {
        cores,
        one_programs_per_s: one,
        two_programs_per_s: two,
        two_to_one: two / one,
    }
}

/// The cores that there are, asked before anything is pinned to one.
pub(super) fn cores() -> anyhow::Result<usize> {
    Ok(host::cores()?.len())
}

/// For people.
pub(super) fn print(numbers: &Instances) {
    println!(
        "two instances     {:9.1} programs/s, {:.2} times the {:.1} of one alone ({} cores)",
        numbers.two_programs_per_s, numbers.two_to_one, numbers.one_programs_per_s, numbers.cores
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_compared_with_the_mean_of_each_alone() {
        let ran = |runs| Tally {
            runs,
            operations: 0,
            time: Duration::from_secs(2),
        };
        let numbers = numbers(&[(ran(200), ran(180)), (ran(100), ran(90))], 2);
        assert_eq!(numbers.one_programs_per_s, 75.0);
        assert_eq!(numbers.two_programs_per_s, 135.0);
        assert_eq!(numbers.two_to_one, 1.8);
    }
}
