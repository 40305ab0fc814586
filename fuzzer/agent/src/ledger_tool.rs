//! The agent as a tool: `--ledger overrun` lets the ring of the ledger overrun while nobody reads, and tells what a reader
//! then finds; `--ledger text` runs one job and prints what debugfs shows of it; `--ledger stats` has jobs end in every way, and
//! compares what the ledger counts with what the double itself does.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use program::Driver;

use crate::ledger::{Entry, Ledger};
use crate::measure::stream::Stream;
use crate::measure::way::Way;
use crate::sys::clock::{self, MILLISECOND};
use crate::sys::double::{Knob, Stats};
use crate::sys::fence_ledger::{ATTACH, DONE, JOB, PHASE_START, QUEUE, STATE_DONE};
use crate::sys::v4l2::TYPE_CAPTURE;

/// Records beyond a whole ring that are written before the reader looks.
const BEYOND: u64 = 1000;

/// Where the text form is.
const TEXT: &str = "/sys/kernel/debug/fence_ledger";

/// Does what the argument says.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let what = arguments.next().context("--ledger needs a word")?;
    let ledger = Ledger::open()?.context("the target has no ledger")?;
    match what.as_str() {
        "overrun" => overrun(ledger),
        "text" => text(&ledger),
        "stats" => stats(ledger),
        other => bail!("the ledger has no tool {other}"),
    }
}

/// Prints how many records were written, how many were lost in one go, and how many were read after that.
fn overrun(mut ledger: Ledger) -> Result<()> {
    let stream = Stream::open(Driver::Double)?;
    while ledger.totals().records < ledger.capacity() + BEYOND {
        stream.cycle(&Way::Outside)?;
    }
    drop(stream);
    let written = ledger.totals();
    let Some(Entry::Lost(lost)) = ledger.next() else {
        bail!("a reader that lags a whole ring behind was not told");
    };
    let mut read = 0;
    while let Some(entry) = ledger.next() {
        ensure!(matches!(entry, Entry::Record(_)), "lost more: {entry:?}");
        read += 1;
    }
    println!("written {} lost {lost} read {read}", written.records);
    ensure!(lost + read == written.records, "some are unaccounted for");
    ensure!(
        (written.lost, written.untracked) == (0, 0),
        "lost by the writers: {written:?}"
    );
    Ok(())
}

/// Prints the lines that debugfs has of one job, and of what led to it and came after it.
fn text(ledger: &Ledger) -> Result<()> {
    let before = records()?.len();
    let stream = Stream::open(Driver::Double)?;
    // Jobs end in a hard interrupt.
    stream.set(Knob::Completion, 0)?;
    stream.cycle(&Way::Outside)?;
    drop(stream);
    let lines = records()?;
    ensure!(
        lines.len() - before == ledger.totals().records as usize,
        "debugfs shows {} new records, the ring has {:?}",
        lines.len() - before,
        ledger.totals()
    );
    lines[before..].iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// What both count: buffers queued, given back well and with an error, each OUTPUT and CAPTURE; fences; jobs that were
/// kicked.
type Counts = [u64; 8];

/// Jobs that go well, fail, lose their interrupt, and are aborted, ended in each of the contexts.
fn stats(mut ledger: Ledger) -> Result<()> {
    for completion in 0..4 {
        ledger.skip();
        let stream = Stream::open(Driver::Double)?;
        stream.set(Knob::Completion, completion)?;
        stream.set(Knob::Watchdog, 2 * MILLISECOND)?;
        for _ in 0..3 {
            stream.cycle(&Way::Outside)?;
        }
        for (knob, value) in [(Knob::FailError, 1), (Knob::FailLost, 1), (Knob::Gate, 1)] {
            stream.set(knob, value)?;
            stream.queue(&Way::Outside)?;
            let patience = if knob == Knob::Gate { 1 } else { 10 };
            clock::sleep(patience * MILLISECOND);
            stream.restart()?;
        }
        let told = told_by_double(&stream.stats()?);
        let seen = seen_by_ledger(&mut ledger)?;
        println!("completion {completion}: {seen:?}");
        ensure!(told == seen, "the double counted {told:?}");
    }
    Ok(())
}

fn told_by_double(stats: &Stats) -> Counts {
    [
        stats.queued_output,
        stats.queued_capture,
        stats.done_output,
        stats.done_capture,
        stats.error_output,
        stats.error_capture,
        stats.fences,
        stats.begun - stats.refused,
    ]
}

fn seen_by_ledger(ledger: &mut Ledger) -> Result<Counts> {
    let mut counts = Counts::default();
    while let Some(entry) = ledger.next() {
        let Entry::Record(record) = entry else {
            bail!("the ledger lost records: {entry:?}");
        };
        let side = usize::from(record.buffer_type == TYPE_CAPTURE);
        match (record.kind, record.value) {
            (QUEUE, _) => counts[side] += 1,
            (DONE, STATE_DONE) => counts[2 + side] += 1,
            (DONE, _) => counts[4 + side] += 1,
            (ATTACH, _) => counts[6] += 1,
            (JOB, PHASE_START) if side == 1 => counts[7] += 1,
            _ => {}
        }
    }
    Ok(counts)
}

fn records() -> Result<Vec<String>> {
    let path = format!("{TEXT}/records");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    Ok(text.lines().map(str::to_owned).collect())
}
