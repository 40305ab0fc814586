//! The agent as a tool: `--ledger overrun` lets the ring of the ledger overrun while nobody reads, and tells what a reader
//! then finds; `--ledger text` runs one job and prints what debugfs shows of it.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use program::Driver;

use crate::ledger::{Entry, Ledger};
use crate::measure::stream::Stream;
use crate::measure::way::Way;
use crate::sys::double::Knob;

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

fn records() -> Result<Vec<String>> {
    let path = format!("{TEXT}/records");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    Ok(text.lines().map(str::to_owned).collect())
}
