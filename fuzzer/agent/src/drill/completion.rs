//! How jobs end: one drill for each value of the knob.

use anyhow::{Result, ensure};

use super::Drill;
use super::bench::{Bench, Fence, begin, frame, sleep, whole_and_signalled};
use super::stream::{Plane, Side, Stream};
use crate::sys::clock::{self, MILLISECOND};
use crate::sys::double::Knob;
use crate::sys::v4l2::BUF_FLAG_LAST;

pub(super) const DRILLS: &[Drill] = &[
    Drill::of(Knob::Completion, "completion_timer", timer),
    Drill::of(Knob::Completion, "completion_work", work),
    Drill::of(Knob::Completion, "completion_inline", inline),
    Drill::of(Knob::Completion, "completion_locked", locked),
    Drill::of(Knob::Completion, "completion_pipelined", pipelined),
    Drill::beside("pipelined_streamoff", pipelined_streamoff),
    Drill::beside("pipelined_close", pipelined_close),
];

const WORK: u64 = 1;
const PIPELINED: u64 = 4;

fn timer(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    stream.set(Knob::Completion, WORK)?;
    bench.knob(&stream, Knob::Completion, 0)?;
    frame(&mut stream)?;
    let stats = stream.stats()?;
    ensure!(
        (stats.from_interrupt, stats.from_work) == (1, 0),
        "the job did not end in the timer's callback"
    );
    Ok(())
}

fn work(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    bench.knob(&stream, Knob::Completion, WORK)?;
    frame(&mut stream)?;
    let stats = stream.stats()?;
    ensure!(
        (stats.from_interrupt, stats.from_work) == (0, 1),
        "the job did not end on the workqueue"
    );
    Ok(())
}

fn inline(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    stream.set(Knob::JobTime, 10 * MILLISECOND)?;
    bench.knob(&stream, Knob::Completion, 2)?;
    let begun = begin(&mut stream)?;
    let time = clock::now() - begun;
    ensure!(
        time >= 10 * MILLISECOND,
        "STREAMON returned after {time} ns, without waiting for the job"
    );
    ensure!(
        stream.dequeue(Side::Capture)?.is_some(),
        "STREAMON returned and the job was not done"
    );
    ensure!(
        stream.stats()?.from_device_run == 1,
        "it was not device_run"
    );
    Ok(())
}

fn locked(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(2, 2)?;
    let planes = [
        stream.export(Side::Capture, 0, 0)?,
        stream.export(Side::Capture, 1, 0)?,
    ];
    bench.knob(&stream, Knob::Completion, 3)?;
    begin(&mut stream)?;
    stream.queue(Side::Output, 1)?;
    stream.queue(Side::Capture, 1)?;
    let first = planes[0].fence()?;
    for plane in &planes {
        let index = stream.wait(Side::Capture)?.index;
        stream.wait(Side::Output)?;
        ensure!(!plane.fence()?.is_pending()?, "{index} is done and pending");
    }
    whole_and_signalled(&planes[0], 0, &first)?;
    drain(&mut stream)?;
    let stats = stream.stats()?;
    ensure!(
        (stats.under_job_lock, stats.completed) == (3, 3),
        "not every job ended under the job lock: {stats:?}"
    );
    Ok(())
}

/// A drain that begins while its last job runs ends with that job.
fn drain(stream: &mut Stream) -> Result<()> {
    stream.set(Knob::Gate, 2)?;
    stream.queue(Side::Output, 0)?;
    stream.queue(Side::Capture, 0)?;
    sleep(5);
    stream.drain()?;
    stream.set(Knob::Gate, 0)?;
    let last = stream.wait(Side::Capture)?;
    ensure!(
        last.flags & BUF_FLAG_LAST != 0 && last.bytesused > 0,
        "the drained frame is not the last: {last:?}"
    );
    Ok(())
}

/// A converter whose job takes so long, with its CAPTURE plane.
fn converter(bench: &Bench, milliseconds: u64) -> Result<(Stream, Plane)> {
    let stream = Stream::converter()?;
    bench.knob(&stream, Knob::Completion, PIPELINED)?;
    stream.set(Knob::JobTime, milliseconds * MILLISECOND)?;
    let stream = stream.with_buffers(2, 2)?;
    let plane = stream.export(Side::Capture, 0, 0)?;
    Ok((stream, plane))
}

/// Two jobs of one node at once: the second ends first. After it a handle gets its next job.
fn pipelined(bench: &Bench) -> Result<()> {
    let (mut slow, slow_plane) = converter(bench, 40)?;
    let (mut quick, quick_plane) = converter(bench, 5)?;
    quick.set(Knob::JobBase, 100)?;
    begin(&mut slow)?;
    begin(&mut quick)?;
    let (slow_fence, quick_fence) = (slow_plane.fence()?, quick_plane.fence()?);
    quick.wait(Side::Capture)?;
    ensure!(
        slow_fence.is_pending()?,
        "the first job ended before the second did"
    );
    whole_and_signalled(&quick_plane, 0, &quick_fence)?;
    quick.queue(Side::Output, 1)?;
    quick.queue(Side::Capture, 1)?;
    quick.wait(Side::Capture)?;
    ensure!(slow_fence.is_pending()?, "the first job ended too soon");
    slow.wait(Side::Capture)?;
    whole_and_signalled(&slow_plane, 0, &slow_fence)?;
    let done = (slow.stats()?.pipelined, quick.stats()?.pipelined);
    ensure!(done == (1, 2), "{done:?} jobs were pipelined");
    Ok(())
}

/// A pipelined job of another handle, which mem2mem does not know, behind a closed gate.
fn hidden_job(bench: &Bench) -> Result<(Stream, Fence)> {
    let (mut stream, plane) = converter(bench, 1)?;
    stream.set(Knob::Gate, 2)?;
    begin(&mut stream)?;
    sleep(5);
    // Mem2mem has nothing to do for this handle, so that the node is free for others.
    let mut other = Stream::converter()?.with_buffers(1, 1)?;
    begin(&mut other)?;
    sleep(20);
    ensure!(
        other.dequeue(Side::Capture)?.is_some(),
        "the job was one of mem2mem's"
    );
    let fence = plane.fence()?;
    ensure!(fence.is_pending()?, "the job ended behind a closed gate");
    Ok((stream, fence))
}

fn pipelined_streamoff(bench: &Bench) -> Result<()> {
    let (stream, fence) = hidden_job(bench)?;
    stream.stop(Side::Capture)?;
    ensure!(
        fence.state()?.0 < 0,
        "STREAMOFF returned and the fence tells no error"
    );
    let stats = stream.stats()?;
    ensure!(
        (stats.aborted, stats.error_output, stats.error_capture) == (1, 1, 1),
        "STREAMOFF left something: {stats:?}"
    );
    Ok(())
}

fn pipelined_close(bench: &Bench) -> Result<()> {
    let (stream, fence) = hidden_job(bench)?;
    drop(stream);
    ensure!(
        fence.state()?.0 < 0,
        "close returned and the fence tells no error"
    );
    Ok(())
}
