//! How fast programs run with everything watching, against the bare system calls in the same guest.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};
use engine::Session;
use program::{Driver, Op, Profile, Program, Seeded};
use serde::Serialize;
use trace::wire::{Reply, Request};

use super::{
    crash,
    instances::{self, Instances},
};
use crate::{
    exit::Exit,
    json,
    rig::{self, Inside, RigArgs},
    setup::Options,
};

/// Arguments of `lab bench` alone.
#[derive(Clone, Debug, clap::Args)]
pub struct SpeedArgs {
    /// Measure for about so many seconds
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Different programs, of 20 operations each
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..1000))]
    pub programs: u64,
    /// Seed of the programs
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Write the numbers to FILE
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// What runs
    #[command(flatten)]
    pub rig: RigArgs,
}

/// What is measured.
#[derive(Debug, Serialize)]
struct Numbers {
    seed: u64,
    programs: usize,
    operations_per_program: f64,
    first_program_s: f64,
    crash_to_program_s: f64,
    #[serde(flatten)]
    instances: Instances,
    programs_per_s: f64,
    operations_per_s: f64,
    c_loop_programs_per_s: f64,
    c_loop_calls_per_s: f64,
    ratio_to_c_loop: f64,
}

/// Runs of programs and what they took.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) runs: u64,
    pub(super) operations: u64,
    pub(super) time: Duration,
}

impl Tally {
    pub(super) fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// Measures and prints.
pub(super) fn run(mut args: SpeedArgs, options: &Options) -> anyhow::Result<Exit> {
    args.rig.settle(options)?;
    let begin = Instant::now();
    let prepared = rig::prepare(options, &args.rig)?;
    let cores = instances::cores()?;
    // Before the first boot, which pins this thread to a core: later there would be one core alone to choose from.
    let pair = rig::several(
        &prepared,
        options,
        &args.rig,
        instances::COUNT,
        Inside::default,
    )?;
    let mut rig = rig::on(&prepared, options, &args.rig, Inside::default())?;
    let (driver, expectation) = (args.rig.driver, args.rig.expectation());
    let probe = programs(driver, args.seed, 1).remove(0);
    Session::new(&mut rig.target, expectation).observe(&probe, true)?;
    let first_program_s = begin.elapsed().as_secs_f64();
    let crash_to_program_s = crash::to_program(&mut rig.target, expectation, &probe)?;
    let mut session = Session::new(&mut rig.target, expectation);
    let programs = held(&mut session, programs(driver, args.seed, args.programs))?;
    let limit = Duration::from_secs(args.seconds);
    let (watched, bare) = both(&mut session, &programs, limit)?;
    drop(rig);
    let instances = instances::measure(pair, cores, expectation, &programs, limit / 2)?;
    let waits = [first_program_s, crash_to_program_s];
    let numbers = numbers(args.seed, &programs, waits, instances, &watched, &bare);
    print(&numbers);
    json::keep(args.json.as_deref(), &numbers)?;
    Ok(Exit::HELD)
}

/// Operations of each program.
const OPERATIONS: usize = 20;

/// Programs that one thread runs without loading modules: a loop of bare system calls does nothing else.
fn programs(driver: Driver, seed: u64, count: u64) -> Vec<Program> {
    let mut profile = Profile::of(driver);
    profile.async_percent = 0;
    let mut choose = Seeded::new(seed);
    let made = std::iter::repeat_with(|| program::generate(&mut choose, &profile));
    made.filter(is_plain).take(count as usize).collect()
}

fn is_plain(program: &Program) -> bool {
    let plain =
        |step: &program::Step| !step.asynchronous && !matches!(step.op, Op::Reload | Op::Join);
    program.steps.len() == OPERATIONS && program.steps.iter().all(plain)
}

/// Those that break nothing either way: a violation costs a boot, which is not what is measured.
fn held(session: &mut Session<'_>, programs: Vec<Program>) -> anyhow::Result<Vec<Program>> {
    let mut held = Vec::new();
    for program in programs {
        let watched = session.observe(&program, true)?;
        if watched.violations.is_empty() && loops(session, &program)? {
            held.push(program);
        }
    }
    ensure!(
        !held.is_empty(),
        "every program breaks an invariant: nothing is left to measure"
    );
    Ok(held)
}

/// Whether the kernel survives the bare loop. Nothing waits between two rounds, so it may find what the fuzzer does not.
fn loops(session: &mut Session<'_>, program: &Program) -> anyhow::Result<bool> {
    if let Err(error) = batch(session, program) {
        eprintln!("left out, because the bare loop ends badly: {error:#}\n{program}");
        session.boot()?;
        return Ok(false);
    }
    Ok(true)
}

fn batch(session: &mut Session<'_>, program: &Program) -> anyhow::Result<u32> {
    let request = Request::Loop {
        program: program.clone(),
        times: BATCH,
    };
    match session.target().request(request)? {
        Reply::Looped { calls } => Ok(calls),
        _ => bail!("the agent does not loop: it is of another version"),
    }
}

/// Measures both ways in turns, so that whatever else the machine does slows down both.
fn both(
    session: &mut Session<'_>,
    programs: &[Program],
    limit: Duration,
) -> anyhow::Result<(Tally, Tally)> {
    let (mut ours, mut theirs) = (Tally::default(), Tally::default());
    while ours.time + theirs.time < limit {
        let turn = (limit / TURNS).min(limit.saturating_sub(ours.time + theirs.time) / 2);
        watched(session, programs, turn, &mut ours)?;
        bare(session, programs, turn, &mut theirs)?;
    }
    Ok((ours, theirs))
}

/// About so many turns are taken.
const TURNS: u32 = 20;

pub(super) fn watched(
    session: &mut Session<'_>,
    programs: &[Program],
    turn: Duration,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    rounds(programs, turn, tally, |program| {
        session.observe(program, true)?;
        Ok((1, program.steps.len() as u64))
    })
}

/// Runs of one program between two answers of the agent, enough that the answer does not count.
const BATCH: u32 = 20;

fn bare(
    session: &mut Session<'_>,
    programs: &[Program],
    turn: Duration,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    rounds(programs, turn, tally, |program| {
        let calls = batch(session, program)?;
        Ok((u64::from(BATCH), u64::from(BATCH) * u64::from(calls)))
    })
}

/// Runs all programs, over and over for the length of a turn. `run` says how many runs and operations that was.
fn rounds(
    programs: &[Program],
    turn: Duration,
    tally: &mut Tally,
    mut run: impl FnMut(&Program) -> anyhow::Result<(u64, u64)>,
) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        for program in programs {
            let (runs, operations) = run(program)?;
            tally.runs += runs;
            tally.operations += operations;
        }
        if begin.elapsed() >= turn {
            break;
        }
    }
    tally.time += begin.elapsed();
    Ok(())
}

fn numbers(
    seed: u64,
    programs: &[Program],
    [first_program_s, crash_to_program_s]: [f64; 2],
    instances: Instances,
    watched: &Tally,
    bare: &Tally,
) -> Numbers {
    let (fast, faster) = (watched.per_second(watched.runs), bare.per_second(bare.runs));
    let operations: usize = programs.iter().map(|program| program.steps.len()).sum();
    Numbers {
        seed,
        programs: programs.len(),
        operations_per_program: operations as f64 / programs.len() as f64,
        first_program_s,
        crash_to_program_s,
        instances,
        programs_per_s: fast,
        operations_per_s: watched.per_second(watched.operations),
        c_loop_programs_per_s: faster,
        c_loop_calls_per_s: bare.per_second(bare.operations),
        ratio_to_c_loop: fast / faster,
    }
}

fn print(numbers: &Numbers) {
    println!(
        "first program     {:9.2} s after the start",
        numbers.first_program_s
    );
    println!(
        "after a panic     {:9.2} s to the first program on the next kernel",
        numbers.crash_to_program_s
    );
    println!(
        "watched           {:9.1} programs/s, {:.0} operations/s",
        numbers.programs_per_s, numbers.operations_per_s
    );
    println!(
        "bare system calls {:9.1} programs/s, {:.0} calls/s",
        numbers.c_loop_programs_per_s, numbers.c_loop_calls_per_s
    );
    println!(
        "ratio to C loop   {:9.3} ({} programs of {:.1} operations)",
        numbers.ratio_to_c_loop, numbers.programs, numbers.operations_per_program
    );
    instances::print(&numbers.instances);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_are_the_same_every_time_and_of_the_promised_length() {
        let made = programs(Driver::Double, 1, 40);
        assert_eq!(made, programs(Driver::Double, 1, 40));
        assert!(made.iter().all(|program| program.steps.len() == OPERATIONS));
    }
}
