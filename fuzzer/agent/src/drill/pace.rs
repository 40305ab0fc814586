//! Knobs of the writer's pace.

use anyhow::{Result, ensure};

use super::Drill;
use super::bench::{Bench, begin, frame, sleep, whole, whole_and_signalled};
use super::stream::{Side, Stream};
use crate::sys::clock::{MILLISECOND, SECOND};
use crate::sys::double::Knob;

pub(super) const DRILLS: &[Drill] = &[
    Drill::of(Knob::JobBase, "job_base", job_base),
    Drill::of(Knob::JobTime, "job_time", job_time),
    Drill::of(Knob::Chunks, "chunks", chunks),
    Drill::of(Knob::ChunkDelay, "chunk_delay", chunk_delay),
    Drill::of(Knob::Gate, "gate", gate),
    Drill::of(Knob::Watchdog, "watchdog", watchdog),
];

fn job_base(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    let plane = stream.export(Side::Capture, 0, 0)?;
    bench.knob(&stream, Knob::JobBase, 41)?;
    frame(&mut stream)?;
    let job = whole(&plane, 0)?.job;
    ensure!(job == 42, "the first job after 41 has the id {job}");
    Ok(())
}

/// From QBUF to the stamp.
fn time_of_a_frame(stream: &mut Stream) -> Result<u64> {
    let plane = stream.export(Side::Capture, 0, 0)?;
    let (begun, _) = frame(stream)?;
    Ok(whole(&plane, 0)?.time_ns - begun)
}

fn job_time(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    bench.knob(&stream, Knob::JobTime, 20 * MILLISECOND)?;
    let time = time_of_a_frame(&mut stream)?;
    ensure!(
        time >= 20 * MILLISECOND,
        "the stamp came {time} ns after QBUF"
    );
    Ok(())
}

fn chunk_delay(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    stream.set(Knob::Chunks, 3)?;
    bench.knob(&stream, Knob::ChunkDelay, 10 * MILLISECOND)?;
    let time = time_of_a_frame(&mut stream)?;
    ensure!(
        time >= 21 * MILLISECOND,
        "three chunks came {time} ns after QBUF"
    );
    Ok(())
}

fn chunks(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    let plane = stream.export(Side::Capture, 0, 0)?;
    bench.knob(&stream, Knob::Chunks, 2)?;
    stream.set(Knob::Gate, 2)?;
    begin(&mut stream)?;
    sleep(5);
    let (good, room) = (plane.good_words(1, 0), plane.room());
    ensure!(
        good == room / 2,
        "before the second of two chunks {good} of {room} words are written"
    );
    Ok(())
}

fn gate(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    let (source, plane) = (
        stream.export(Side::Output, 0, 0)?,
        stream.export(Side::Capture, 0, 0)?,
    );
    bench.knob(&stream, Knob::Gate, 3)?;
    begin(&mut stream)?;
    sleep(20);
    let (read, written) = (source.fence()?, plane.fence()?);
    ensure!(
        read.is_pending()? && written.is_pending()?,
        "a fence is not pending behind a closed gate"
    );
    ensure!(plane.stamp().is_none(), "a stamp behind a closed gate");
    stream.set(Knob::Gate, 0)?;
    stream.wait(Side::Capture)?;
    whole_and_signalled(&plane, 0, &written)?;
    Ok(())
}

fn watchdog(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    let plane = stream.export(Side::Capture, 0, 0)?;
    stream.set(Knob::Gate, 1)?;
    bench.knob(&stream, Knob::Watchdog, 5 * MILLISECOND)?;
    let begun = begin(&mut stream)?;
    let fence = plane.fence()?;
    let ended = stream.wait(Side::Capture)?;
    let (status, time) = fence.state()?;
    ensure!(ended.is_error() && status < 0, "the job ended well");
    ensure!(
        time - begun < SECOND / 2,
        "the watchdog bit {} ns after QBUF",
        time - begun
    );
    ensure!(stream.stats()?.timed_out == 1, "it was not the watchdog");
    Ok(())
}
