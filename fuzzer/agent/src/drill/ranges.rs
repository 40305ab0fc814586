//! The ranges of the knobs, asked of the running double.

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;

use super::Drill;
use super::bench::Bench;
use super::stream::Stream;
use crate::sys::double::{Field, Spec, TABLE};

pub(super) const DRILLS: &[Drill] = &[
    Drill::beside("ranges", ranges),
    Drill::beside("ranges_of_nodes", ranges_of_nodes),
];

/// Both ends of every field are accepted, and what lies beyond is not.
fn ranges(bench: &Bench) -> Result<()> {
    for spec in TABLE {
        range(bench, spec).with_context(|| spec.name)?;
    }
    Ok(())
}

fn range(bench: &Bench, spec: &Spec) -> Result<()> {
    let all = |of: fn(&Field) -> u64| spec.fields.iter().map(|field| field.place(of(field))).sum();
    let (lowest, highest): (u64, u64) = (all(|field| field.lowest), all(|field| field.highest));
    for value in [lowest, highest, spec.default] {
        let answer = answer(bench, spec, value)?;
        ensure!(answer.is_ok(), "{value:#x} is answered with {answer:?}");
    }
    for field in spec.fields {
        // The other fields as high as they may be: some do not count while another is 0.
        let others = highest - field.place(field.highest);
        for value in [field.too_low(), field.too_high()].into_iter().flatten() {
            let value = others + field.place(value);
            let answer = answer(bench, spec, value)?;
            ensure!(
                answer == Err(Errno::EINVAL),
                "{value:#x}, out of range, is answered with {answer:?}"
            );
        }
    }
    Ok(())
}

/// On a handle of its own, so that no knob stands in another's way.
fn answer(bench: &Bench, spec: &Spec, value: u64) -> Result<nix::Result<()>> {
    let stream = match spec.node {
        "m2m" => Stream::converter()?,
        _ => Stream::decoder()?,
    };
    Ok(bench.ask(&stream, spec.knob, value))
}

/// What only some nodes can do, the others refuse.
fn ranges_of_nodes(bench: &Bench) -> Result<()> {
    use crate::sys::double::Knob;
    let (decoder, converter) = (Stream::decoder()?, Stream::converter()?);
    let refused = [
        (&decoder, Knob::Completion, 4),
        (&converter, Knob::SourceChange, 1 | 64 << 16 | 64 << 32),
        (&converter, Knob::MinQueued, 1),
    ];
    for (stream, knob, value) in refused {
        let answer = bench.ask(stream, knob, value);
        ensure!(
            answer == Err(Errno::EINVAL),
            "{knob:?} = {value:#x} is answered with {answer:?}"
        );
    }
    converter.request(super::stream::Side::Output, 1)?;
    for (knob, value) in [(Knob::Completion, 4), (Knob::Frames, 2)] {
        let answer = bench.ask(&converter, knob, value);
        ensure!(
            answer == Err(Errno::EBUSY),
            "{knob:?} with buffers is answered with {answer:?}"
        );
    }
    Ok(())
}
