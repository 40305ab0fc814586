//! Knobs of what goes wrong, and of aborts.

use std::thread;

use anyhow::{Result, anyhow, ensure};

use super::Drill;
use super::bench::{Bench, begin, sleep, whole, whole_and_signalled};
use super::stream::{Side, Stream};
use crate::sys::clock::MILLISECOND;
use crate::sys::double::Knob;

pub(super) const DRILLS: &[Drill] = &[
    Drill::of(Knob::FailError, "fail_error", fail_error),
    Drill::of(Knob::FailLost, "fail_lost", fail_lost),
    Drill::of(Knob::FailLate, "fail_late", fail_late),
    Drill::of(Knob::Abort, "abort_waits", abort_waits),
    Drill::of(Knob::Abort, "abort_is_bounded", abort_is_bounded),
];

/// The second of two jobs fails, and the first does not.
fn fail_error(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(2, 2)?;
    let plane = stream.export(Side::Capture, 1, 0)?;
    bench.knob(&stream, Knob::FailError, 2)?;
    begin(&mut stream)?;
    stream.queue(Side::Output, 1)?;
    stream.queue(Side::Capture, 1)?;
    let first = stream.wait(Side::Capture)?;
    let fence = plane.fence()?;
    let second = stream.wait(Side::Capture)?;
    ensure!(!first.is_error(), "the first job failed");
    ensure!(second.is_error(), "the second job did not fail");
    ensure!(fence.state()?.0 < 0, "the fence tells no error");
    ensure!(stream.stats()?.failed == 1, "not one job failed");
    Ok(())
}

/// All is written, and nobody says so.
fn fail_lost(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    let plane = stream.export(Side::Capture, 0, 0)?;
    stream.set(Knob::Watchdog, 10 * MILLISECOND)?;
    bench.knob(&stream, Knob::FailLost, 1)?;
    begin(&mut stream)?;
    sleep(5);
    whole(&plane, 0)?;
    ensure!(plane.fence()?.is_pending()?, "the completion was not lost");
    ensure!(stream.wait(Side::Capture)?.is_error(), "the job ended well");
    ensure!(stream.stats()?.timed_out == 1, "it was not the watchdog");
    Ok(())
}

/// The interrupt of the first job comes while the second runs, which it must not end.
fn fail_late(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(2, 2)?;
    let plane = stream.export(Side::Capture, 1, 0)?;
    stream.set(Knob::Watchdog, 10 * MILLISECOND)?;
    stream.set(Knob::JobTime, 4 * MILLISECOND)?;
    bench.knob(&stream, Knob::FailLate, 1)?;
    begin(&mut stream)?;
    stream.queue(Side::Output, 1)?;
    stream.queue(Side::Capture, 1)?;
    ensure!(
        stream.wait(Side::Capture)?.is_error(),
        "the first job ended well"
    );
    let fence = plane.fence()?;
    sleep(1);
    ensure!(stream.stats()?.late == 1, "no late interrupt was counted");
    ensure!(fence.is_pending()?, "it ended the second job");
    ensure!(
        !stream.wait(Side::Capture)?.is_error(),
        "the second job failed"
    );
    whole_and_signalled(&plane, 0, &fence)?;
    let stats = stream.stats()?;
    ensure!(
        (stats.timed_out, stats.completed, stats.late) == (1, 1, 1),
        "{stats:?}"
    );
    Ok(())
}

/// STREAMOFF returns only after the gate was opened, and the buffer is whole.
fn abort_waits(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    let plane = stream.export(Side::Capture, 0, 0)?;
    stream.set(Knob::Gate, 3)?;
    bench.knob(&stream, Knob::Abort, 1)?;
    begin(&mut stream)?;
    let fence = plane.fence()?;
    sleep(5);
    thread::scope(|scope| {
        let stopper = scope.spawn(|| stream.stop(Side::Capture));
        sleep(20);
        let waits = !stopper.is_finished();
        stream.set(Knob::Gate, 0)?;
        stopper
            .join()
            .map_err(|_| anyhow!("the thread that stops panicked"))??;
        ensure!(waits, "STREAMOFF returned behind a closed gate");
        Ok(())
    })?;
    whole_and_signalled(&plane, 0, &fence)?;
    let stats = stream.stats()?;
    ensure!((stats.completed, stats.aborted) == (1, 0), "{stats:?}");
    Ok(())
}

/// With the gate closed for good the watchdog ends the wait.
fn abort_is_bounded(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    stream.set(Knob::Gate, 1)?;
    stream.set(Knob::Watchdog, 50 * MILLISECOND)?;
    bench.knob(&stream, Knob::Abort, 1)?;
    begin(&mut stream)?;
    stream.stop(Side::Capture)?;
    let stats = stream.stats()?;
    ensure!((stats.timed_out, stats.aborted) == (1, 0), "{stats:?}");
    Ok(())
}
