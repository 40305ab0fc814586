//! The agent as a tool: `--churn SEED FIRST ROUNDS` loads and unloads the double while processes use it, die, and pass on what
//! they held. What a round does depends on the seed and its number alone, so any round can be had again.
//!
//! After each round everything must be as it was: every process reaped, every fence that was initialised signalled and
//! destroyed, nobody using a module that nobody used before. At the end one line of JSON tells what was done, and how much
//! memory the kernel uses then.

mod client;
mod ground;
mod held;
mod memory;
mod round;

use anyhow::{Context, Result};
use program::Seeded;

use crate::sys::clock;
use ground::Ground;
pub(crate) use ground::within_patience;
use memory::Memory;
use round::Round;

/// What has been done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Processes that used the double.
    clients: u64,
    /// Those that were killed, at work or blocked in a system call.
    killed: u64,
    /// Those that were given an open video file.
    inherited: u64,
    /// Descriptors that were taken from a process before it died.
    passed: u64,
    /// Attempts to unload the double while a video file was open.
    refused: u64,
    /// Sync_files and dma-bufs that lived while the double was unloaded.
    survivors: u64,
}

/// Plays the rounds.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let mut number = |what: &str| -> Result<u64> {
        let word = arguments.next().with_context(|| format!("no {what}"))?;
        word.parse().with_context(|| format!("{what} «{word}»"))
    };
    let (seed, first, rounds) = (number("seed")?, number("first")?, number("rounds")?);
    clock::install_alarm().context("sigaction")?;
    let mut ground = Ground::survey()?;
    let mut done = Done::default();
    let begin = clock::now();
    for number in first..first + rounds {
        let choose = Seeded::new(seed.wrapping_add(number.wrapping_mul(0x2545_f491_4f6c_dd1d)));
        Round::new(&mut ground, choose, &mut done)
            .play()
            .and_then(|()| ground.check())
            .with_context(|| format!("round {number}"))?;
    }
    let took = clock::now() - begin;
    println!(
        "{}",
        told(rounds, took, &done, &ground, &Memory::settled()?)
    );
    Ok(())
}

fn told(rounds: u64, took: u64, done: &Done, ground: &Ground, memory: &Memory) -> String {
    let totals = ground.totals();
    format!(
        "{{\"rounds\":{rounds},\"virtual_ns\":{took},\"clients\":{},\"killed\":{},\"inherited\":{},\"passed\":{},\
         \"refused\":{},\"survivors\":{},\"records\":{},\"inits\":{},\"signals\":{},\"destroys\":{},\"memory\":{memory}}}",
        done.clients,
        done.killed,
        done.inherited,
        done.passed,
        done.refused,
        done.survivors,
        totals.records,
        totals.inits,
        totals.signals,
        totals.destroys
    )
}
