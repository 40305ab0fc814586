//! The agent as a tool: `--measure NAME CYCLES` makes the same system calls again and again and prints how long each round
//! of them took, in ticks of the processor's time stamp counter. The guest's clock would cost a system call of its own.
//!
//! Rounds alternate between two ways: as every program makes its calls, and through /dev/call_timer, which tells what a call
//! took in the kernel. Nothing is watched meanwhile, and nothing is judged: what a number means is the host's business.

pub(crate) mod stream;
pub(crate) mod way;

use std::io::Write;

use anyhow::{Context, Result, bail};
use nix::libc;
use program::Driver;

use crate::sys::clock::{self, MILLISECOND};
use crate::sys::dma_buf::{self, EXPORT_SYNC_FILE, SyncFile};
use crate::sys::double::Knob;
use crate::sys::{file, sync_file};
use stream::Stream;
use way::{Way, ticks};

/// Rounds of each way before the first that counts: caches fill, branches are learnt.
const WARM_UP: u32 = 10;

/// The time stamp counter is compared with the clock over at least this long.
const COMPARISON: u64 = 20 * MILLISECOND;

/// What was measured.
#[derive(Default)]
struct Samples {
    /// Ticks of each round of system calls.
    outside: Vec<u64>,
    /// Ticks of each round in the kernel.
    inside: Vec<u64>,
    /// All rounds, also those that do not count.
    made: u32,
    /// Whether the fences that were exported were pending, where that was asked.
    pending: Option<bool>,
}

/// Measures what the arguments say, and prints it: a line `clock TICKS NANOSECONDS`, a line `made ROUNDS`, perhaps a line
/// `pending BOOL`, and for each round that counts a line `outside TICKS` or `inside TICKS`.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let name = arguments.next().context("--measure needs a name")?;
    let cycles = arguments.next().context("--measure needs a number")?;
    let cycles = cycles.parse().context("--measure: how often")?;
    let begin = Clocks::read();
    let samples = measure(&name, cycles)?;
    let passed = clock::now() - begin.nanoseconds;
    clock::sleep(COMPARISON.saturating_sub(passed));
    let end = Clocks::read();
    print(&samples, &begin, &end).context("standard output")
}

fn measure(name: &str, cycles: u32) -> Result<Samples> {
    match name {
        "call" => Ok(calls(cycles)),
        "export-idle" => export_idle(cycles),
        "export-pending" => export_pending(cycles),
        "cycle-double" => cycle(Driver::Double, cycles),
        "cycle-vicodec" => cycle(Driver::VicodecEncoder, cycles),
        "cycle-vim2m" => cycle(Driver::Vim2m, cycles),
        other => bail!("nothing to measure is called {other}"),
    }
}

/// The smallest system call there is. It is no ioctl, so it has one way only.
fn calls(cycles: u32) -> Samples {
    let call = || {
        let begin = ticks();
        // SAFETY: getppid has no arguments.
        let _ = unsafe { libc::syscall(libc::SYS_getppid) };
        ticks() - begin
    };
    Samples {
        outside: (0..cycles).map(|_| call()).collect(),
        made: cycles,
        ..Samples::default()
    }
}

/// A buffer that has been through a job, and rests.
fn export_idle(cycles: u32) -> Result<Samples> {
    let stream = Stream::open(Driver::Double)?;
    stream.cycle(&Way::Outside)?;
    let export = stream.export()?;
    repeat(cycles, |way| export_sync_file(way, export))
}

/// A buffer that the hardware has, and keeps until the gate opens.
fn export_pending(cycles: u32) -> Result<Samples> {
    let stream = Stream::open(Driver::Double)?;
    let export = stream.export()?;
    stream.set(Knob::Completion, 0)?;
    stream.set(Knob::Watchdog, 2_000 * MILLISECOND)?;
    stream.set(Knob::Gate, 1)?;
    stream.queue(&Way::Outside)?;
    let mut samples = repeat(cycles, |way| export_sync_file(way, export))?;
    samples.pending = Some(is_pending(export)?);
    stream.set(Knob::Gate, 0)?;
    stream.dequeue(&Way::Outside)?;
    Ok(samples)
}

fn cycle(driver: Driver, cycles: u32) -> Result<Samples> {
    let stream = Stream::open(driver)?;
    repeat(cycles, |way| stream.cycle(way))
}

fn for_readers() -> SyncFile {
    SyncFile {
        flags: dma_buf::SYNC_READ,
        fd: -1,
    }
}

/// `DMA_BUF_IOCTL_EXPORT_SYNC_FILE(READ)`; closing what it made is not counted.
fn export_sync_file(way: &Way, export: i32) -> Result<u64> {
    let mut argument = for_readers();
    let ticks = way.call(&EXPORT_SYNC_FILE, export, &mut argument)?;
    file::close(argument.fd)?;
    Ok(ticks)
}

fn is_pending(export: i32) -> Result<bool> {
    let mut argument = for_readers();
    EXPORT_SYNC_FILE.call(export, &mut argument)?;
    let info = sync_file::info(argument.fd)?;
    file::close(argument.fd)?;
    Ok(info.status == 0)
}

/// So many rounds of each way, in turns.
fn repeat(cycles: u32, mut once: impl FnMut(&Way) -> Result<u64>) -> Result<Samples> {
    let (outside, inside) = (Way::Outside, Way::inside()?);
    let mut samples = Samples::default();
    for round in 0..WARM_UP + cycles {
        let both = (once(&outside)?, once(&inside)?);
        samples.made += 2;
        if round >= WARM_UP {
            samples.outside.push(both.0);
            samples.inside.push(both.1);
        }
    }
    Ok(samples)
}

/// The same moment on both clocks.
struct Clocks {
    ticks: u64,
    nanoseconds: u64,
}

impl Clocks {
    fn read() -> Self {
        Self {
            nanoseconds: clock::now(),
            ticks: ticks(),
        }
    }
}

fn print(samples: &Samples, begin: &Clocks, end: &Clocks) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let (ticks, nanoseconds) = (end.ticks - begin.ticks, end.nanoseconds - begin.nanoseconds);
    writeln!(out, "clock {ticks} {nanoseconds}")?;
    writeln!(out, "made {}", samples.made)?;
    if let Some(pending) = samples.pending {
        writeln!(out, "pending {pending}")?;
    }
    for (way, samples) in [("outside", &samples.outside), ("inside", &samples.inside)] {
        for ticks in samples {
            writeln!(out, "{way} {ticks}")?;
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_call_takes_time() {
        let samples = calls(7);
        assert_eq!((samples.outside.len(), samples.made), (7, 7));
        assert!(samples.outside.iter().all(|ticks| *ticks > 0));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let run = |words: &[&str]| run(words.iter().map(|word| (*word).to_owned()));
        assert!(run(&["cycle-nothing", "1"]).is_err());
        assert!(run(&["call"]).is_err() && run(&["call", "x"]).is_err());
    }

    #[test]
    fn without_the_timer_there_is_no_half_of_a_measure() {
        assert!(repeat(1, |_| Ok(1)).is_err());
    }
}
