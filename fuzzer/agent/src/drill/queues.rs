//! Knobs of when jobs may run, and what is asked of buffers that go.

use anyhow::{Result, ensure};
use nix::errno::Errno;

use super::Drill;
use super::bench::{Bench, begin, frame, sleep, whole};
use super::stream::{Side, Stream};
use crate::sys::double::{self, Knob};

pub(super) const DRILLS: &[Drill] = &[
    Drill::of(Knob::NotReady, "not_ready", not_ready),
    Drill::of(Knob::MinQueued, "min_queued", min_queued),
    Drill::of(Knob::Suspend, "suspend", suspend),
    Drill::beside("suspend_ends_with_close", suspend_ends_with_close),
    Drill::beside("remove_bufs", remove_bufs),
    Drill::beside("stats", stats),
];

fn begun(stream: &Stream) -> Result<u64> {
    Ok(stream.stats()?.begun)
}

fn not_ready(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    let plane = stream.export(Side::Capture, 0, 0)?;
    bench.knob(&stream, Knob::NotReady, 1)?;
    begin(&mut stream)?;
    sleep(20);
    ensure!(
        begun(&stream)? == 0,
        "a job was begun though none was ready"
    );
    ensure!(!plane.fence()?.is_pending()?, "a fence without a job");
    stream.set(Knob::NotReady, 0)?;
    stream.wait(Side::Capture)?;
    ensure!(begun(&stream)? == 1, "not one job ran");
    Ok(())
}

fn min_queued(bench: &Bench) -> Result<()> {
    let stream = Stream::decoder()?;
    bench.knob(&stream, Knob::MinQueued, 2 | 3 << 8)?;
    let mut stream = stream.with_buffers(2, 3)?;
    let late = double::set(stream.fd(), Knob::MinQueued, 0);
    ensure!(late == Err(Errno::EBUSY), "set with buffers: {late:?}");
    begin(&mut stream)?;
    stream.queue(Side::Capture, 1)?;
    sleep(20);
    ensure!(begun(&stream)? == 0, "a job ran with too few buffers");
    stream.queue(Side::Output, 1)?;
    sleep(20);
    ensure!(
        begun(&stream)? == 0,
        "a job ran with too few CAPTURE buffers"
    );
    stream.queue(Side::Capture, 2)?;
    stream.wait(Side::Capture)?;
    Ok(())
}

/// Another handle of the node gets no job until the one that suspended it resumes it.
fn suspend(bench: &Bench) -> Result<()> {
    let (suspender, mut stream) = suspended(bench)?;
    suspender.set(Knob::Suspend, 0)?;
    stream.wait(Side::Capture)?;
    frame_of(&mut stream)
}

fn suspend_ends_with_close(bench: &Bench) -> Result<()> {
    let (suspender, mut stream) = suspended(bench)?;
    drop(suspender);
    stream.wait(Side::Capture)?;
    frame_of(&mut stream)
}

fn suspended(bench: &Bench) -> Result<(Stream, Stream)> {
    let suspender = Stream::decoder()?;
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    bench.knob(&suspender, Knob::Suspend, 1)?;
    begin(&mut stream)?;
    sleep(20);
    ensure!(begun(&stream)? == 0, "a job was begun on a suspended node");
    Ok((suspender, stream))
}

fn frame_of(stream: &mut Stream) -> Result<()> {
    stream.wait(Side::Output)?;
    ensure!(begun(stream)? == 1, "not one job ran");
    Ok(())
}

/// The memory of a removed buffer outlives it as long as somebody has it, as it was.
fn remove_bufs(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(2, 2)?;
    let plane = stream.export(Side::Capture, 0, 0)?;
    frame(&mut stream)?;
    bench.act(|| stream.remove(Side::Capture, 0))?;
    ensure!(!stream.knows(Side::Capture, 0), "the buffer is still there");
    ensure!(!plane.fence()?.is_pending()?, "a fence of a removed buffer");
    stream.queue(Side::Output, 1)?;
    stream.queue(Side::Capture, 1)?;
    stream.wait(Side::Capture)?;
    let job = whole(&plane, 0)?.job;
    ensure!(
        job == 1,
        "job {job} wrote to the memory of a removed buffer"
    );
    Ok(())
}

/// What the double counts adds up.
fn stats(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(2, 2)?;
    frame(&mut stream)?;
    bench.act(|| {
        stream.set(Knob::Gate, 1)?;
        stream.queue(Side::Output, 1)?;
        stream.queue(Side::Capture, 1)
    })?;
    stream.stop(Side::Output)?;
    stream.stop(Side::Capture)?;
    let stats = stream.stats()?;
    ensure!(
        (stats.begun, stats.completed, stats.aborted, stats.fences) == (2, 1, 1, 4),
        "{stats:?}"
    );
    let (output, capture) = (
        stats.done_output + stats.error_output,
        stats.done_capture + stats.error_capture,
    );
    ensure!(
        (stats.queued_output, stats.queued_capture) == (output, capture) && output == 2,
        "{stats:?}"
    );
    Ok(())
}
