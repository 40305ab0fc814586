//! Several frames in a buffer, several slices of a frame, several planes, and a stream that changes.

use anyhow::{Context, Result, ensure};

use super::Drill;
use super::bench::{Bench, begin, sleep, whole_and_signalled};
use super::stream::{Plane, Side, Stream};
use crate::sys::clock::MILLISECOND;
use crate::sys::double::Knob;
use crate::sys::v4l2::{BUF_FLAG_HOLD_CAPTURE, BUF_FLAG_LAST, PIX_FMT_YUV420M};

pub(super) const DRILLS: &[Drill] = &[
    Drill::of(Knob::Frames, "frames", frames),
    Drill::of(Knob::SourceChange, "source_change", source_change),
    Drill::beside("hold", hold),
    Drill::beside("planes", planes),
];

/// Whether the planes' fences are pending.
fn pending(planes: &[&Plane]) -> Result<Vec<bool>> {
    planes
        .iter()
        .map(|plane| plane.fence()?.is_pending())
        .collect()
}

/// The OUTPUT buffer stays for three jobs and has a fence in the last one only.
fn frames(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 3)?;
    let source = stream.export(Side::Output, 0, 0)?;
    let export = |index| stream.export(Side::Capture, index, 0);
    let planes = [export(0)?, export(1)?, export(2)?];
    stream.set(Knob::JobTime, 10 * MILLISECOND)?;
    bench.knob(&stream, Knob::Frames, 3)?;
    begin(&mut stream)?;
    stream.queue(Side::Capture, 1)?;
    stream.queue(Side::Capture, 2)?;
    for (index, plane) in planes.iter().enumerate() {
        sleep(5);
        let now = pending(&[&source, plane])?;
        ensure!(
            now == [index == 2, true],
            "job {} runs: pending fences of source and frame {now:?}",
            index + 1
        );
        let early = stream.dequeue(Side::Output)?;
        ensure!(
            early.is_none(),
            "the source came back before its last frame"
        );
        ensure!(!stream.wait(Side::Capture)?.is_error(), "a frame failed");
    }
    stream.wait(Side::Output)?;
    let stats = stream.stats()?;
    ensure!(
        (stats.completed, stats.done_output, stats.fences) == (3, 1, 4),
        "{stats:?}"
    );
    Ok(())
}

fn source_change(bench: &Bench) -> Result<()> {
    let mut stream = Stream::decoder()?.with_buffers(1, 1)?;
    bench.knob(&stream, Knob::SourceChange, 1 | 128 << 16 | 96 << 32)?;
    begin(&mut stream)?;
    let ended = stream.wait(Side::Capture)?;
    ensure!(
        ended.flags & BUF_FLAG_LAST != 0 && ended.bytesused == 0,
        "the change gave no empty last buffer back"
    );
    ensure!(
        stream.width(Side::Capture)? == 128,
        "the size is the old one"
    );
    ensure!(stream.stats()?.begun == 0, "a job ran across the change");
    Ok(())
}

/// Two slices make one frame: its buffer is held after the first, without a fence meanwhile.
fn hold(bench: &Bench) -> Result<()> {
    let stream = Stream::converter()?.with_buffers(2, 2)?;
    let (first, second) = (
        stream.export(Side::Output, 0, 0)?,
        stream.export(Side::Output, 1, 0)?,
    );
    let frame = stream.export(Side::Capture, 0, 0)?;
    stream.set(Knob::JobTime, 10 * MILLISECOND)?;
    let flag = bench.act(|| Ok(BUF_FLAG_HOLD_CAPTURE))?;
    stream.queue_slice(Side::Output, 0, flag, 7)?;
    stream.queue(Side::Capture, 0)?;
    stream.start()?;
    sleep(5);
    let now = pending(&[&first, &frame])?;
    ensure!(
        now == [true, false],
        "during the first slice: pending fences of slice and frame {now:?}"
    );
    stream.wait(Side::Output)?;
    sleep(20);
    ensure!(
        stream.dequeue(Side::Capture)?.is_none(),
        "the frame came back before its last slice"
    );
    stream.queue_slice(Side::Output, 1, 0, 7)?;
    sleep(5);
    let now = pending(&[&second, &frame])?;
    ensure!(
        now == [true, true],
        "during the last slice: pending fences of slice and frame {now:?}"
    );
    let fence = frame.fence()?;
    stream.wait(Side::Capture)?;
    let job = whole_and_signalled(&frame, 0, &fence)?.job;
    ensure!(job == 2, "the frame is that of job {job}");
    let stats = stream.stats()?;
    ensure!(
        (stats.fences, stats.done_output, stats.under_job_lock) == (3, 1 + 1, 2),
        "{stats:?}"
    );
    Ok(())
}

/// Three planes: each has a fence while the job runs, a stamp after it, and plane 0's is the last.
fn planes(bench: &Bench) -> Result<()> {
    let mut stream = Stream::multi_planar()?;
    bench.act(|| {
        stream.format(Side::Output, Some(PIX_FMT_YUV420M))?;
        stream.format(Side::Capture, Some(PIX_FMT_YUV420M))
    })?;
    let mut stream = stream.with_buffers(1, 1)?;
    let count = stream.planes(Side::Capture);
    ensure!(count == 3, "a buffer has {count} planes");
    let export = |plane| stream.export(Side::Capture, 0, plane);
    let planes = [export(0)?, export(1)?, export(2)?];
    stream.set(Knob::Gate, 4)?;
    begin(&mut stream)?;
    sleep(5);
    let fences = planes
        .iter()
        .map(Plane::fence)
        .collect::<Result<Vec<_>>>()?;
    for fence in &fences {
        ensure!(fence.is_pending()?, "a plane has no pending fence");
    }
    stream.set(Knob::Gate, 0)?;
    stream.wait(Side::Capture)?;
    let mut times = Vec::new();
    for (number, (plane, fence)) in planes.iter().zip(&fences).enumerate() {
        let stamp =
            whole_and_signalled(plane, number, fence).with_context(|| format!("plane {number}"))?;
        ensure!(stamp.job == 1, "plane {number} is of job {}", stamp.job);
        times.push(stamp.time_ns);
    }
    ensure!(
        times.is_sorted_by(|one, next| one >= next),
        "the first plane's stamp is not the last: {times:?}"
    );
    Ok(())
}
