//! I27: the kernel does not complain, and lives.

use trace::klog::{Splat, digest};
use trace::{Death, Event};

use super::Case;
use crate::invariant::Invariant::I27;
use crate::violation::Violation;

/// `KERN_WARNING`: what is less urgent does not count.
const WARNING: u8 = 4;

/// Warnings that say nothing about the code under test.
const HARMLESS: &[&str] = &[
    "loading out-of-tree module taints kernel",
    "module verification failed",
    "use of bytesused == 0 is deprecated",
    "hogged CPU for",
    // How vim2m answers S_FMT on a queue that has buffers.
    "vidioc_s_fmt queue busy",
    // How videobuf2-dma-contig answers QBUF of a dma-buf whose pages lie apart: `vb2_dc_map_dmabuf()`.
    "contiguous chunk is too small",
    "contiguous mapping is too small",
    "random: ",
];

/// How the allocators of videobuf2 say that an allocation failed, which is harmless where one was made to fail.
const STARVED: &[&str] = &[
    "dma alloc of size",
    "failed to alloc sg table",
    "failed to allocate sg table",
    "failed to attach dmabuf",
    "failed to get scatterlist from DMA API",
    "failed to map scatterlist",
    "Error getting dmabuf scatterlist",
];

pub(super) fn oracle(case: &Case) -> Vec<Violation> {
    let events = &case.world.trace.events;
    let mut violations = Vec::new();
    let mut title = None;
    let mut at = 0;
    while at < events.len() {
        let lines: Vec<_> = events[at..].iter().map_while(line).collect();
        if !lines.is_empty() {
            let before = violations.len();
            violations.extend(complaints(case, at, &lines));
            title = violations[before..].last().map(Violation::title).or(title);
        }
        at += lines.len();
        if let Some(Event::Died { how }) = events.get(at) {
            violations.push(death(case, at, *how, title.as_deref()));
        }
        at += 1;
    }
    violations
}

fn line(event: &Event) -> Option<(u8, &str)> {
    match event {
        Event::Log { level, text } => Some((*level, text)),
        _ => None,
    }
}

/// What a run of log lines that starts at event `at` complains about.
fn complaints(case: &Case, at: usize, lines: &[(u8, &str)]) -> Vec<Violation> {
    let texts: Vec<&str> = lines.iter().map(|(_, text)| *text).collect();
    let digest = digest(&texts);
    let splats = digest
        .splats
        .iter()
        .map(|splat| complaint(case, at, describe(splat)));
    // `warn_alloc()` tells of each failed vmalloc(), with what memory there is; what is made to fail fails in order.
    let starved = case
        .world
        .trace
        .events
        .iter()
        .any(|event| matches!(event, Event::Fault { hit: true, .. }));
    let least = if starved { WARNING - 1 } else { WARNING };
    let expected = if starved { STARVED } else { &[] };
    let harmless = |text: &str| {
        let mut known = HARMLESS.iter().chain(expected);
        known.any(|known| text.contains(known))
    };
    let loose = digest.loose.iter().filter(|index| {
        let (level, text) = lines[**index];
        level <= least && !text.trim().is_empty() && !harmless(text)
    });
    splats
        .chain(loose.map(|index| complaint(case, at + index, texts[*index].to_owned())))
        .collect()
}

fn describe(splat: &Splat) -> String {
    match &splat.frames[..] {
        [] => splat.title.clone(),
        frames => format!("{} ({})", splat.title, frames.join(" < ")),
    }
}

fn complaint(case: &Case, event: usize, observed: String) -> Violation {
    violation(
        case,
        event,
        "no warning or worse in the kernel log",
        observed,
    )
}

fn death(case: &Case, event: usize, how: Death, title: Option<&str>) -> Violation {
    let end = match how {
        Death::Panic => "the kernel panicked",
        Death::Hang => "the target does not answer",
        Death::Lost => "the target went away",
    };
    let observed = match title {
        Some(title) => format!("{end} after {title}"),
        None => end.to_owned(),
    };
    violation(case, event, "the target lives until the run ends", observed)
}

fn violation(case: &Case, event: usize, expected: &str, observed: String) -> Violation {
    Violation {
        invariant: I27,
        op: case.world.op_at(event),
        fence: None,
        expected: expected.to_owned(),
        observed,
        event,
    }
}
