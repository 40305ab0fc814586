//! Where user space can look for what a violation is about: whose buffer it is, and when its fence was attached.

use program::{File, MAX_FILES, Queue};
use trace::{BufferId, Event, Kind, Trace};

use crate::violation::Violation;
use crate::world::World;
use crate::world::fence::Fence;

/// What is known of a violation's buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clue {
    /// The file, the queue and the index of the buffer.
    pub buffer: Option<(File, Queue, u32)>,
    /// The operation during which its fence was attached, or its job was started: index into `Program::steps`.
    pub armed: Option<u16>,
}

/// What is known of the buffer that a violation is about.
pub fn clue(program: &program::Program, trace: &Trace, violation: &Violation) -> Clue {
    let program = &*model::resolved(program, trace);
    let world = World::replay(program, trace);
    let fence = violation.fence.and_then(|id| world.fences.get(id));
    match fence.and_then(|fence| fence.attaches.first()) {
        Some(attach) => Clue {
            buffer: whose(&world, attach.buffer, attach.at.index),
            armed: world.op_at(attach.at.index),
        },
        None => of_record(&world, violation, fence),
    }
}

/// A violation that a record of the ledger shows, without a fence.
fn of_record(world: &World, violation: &Violation, fence: Option<&Fence>) -> Clue {
    let at = fence
        .and_then(Fence::born)
        .map_or(violation.event, |born| born.index);
    let buffer = match world.trace.events.get(at) {
        Some(Event::Ledger(record)) => buffer(&record.kind),
        _ => None,
    };
    Clue {
        buffer: buffer.and_then(|buffer| whose(world, buffer, at)),
        armed: violation.op,
    }
}

fn buffer(kind: &Kind) -> Option<BufferId> {
    match *kind {
        Kind::Attach { buffer, .. }
        | Kind::Queue { buffer }
        | Kind::Done { buffer, .. }
        | Kind::Job { buffer, .. } => Some(buffer),
        _ => None,
    }
}

/// The file that a buffer belongs to: the one that gave it to the driver, or the only one of the program.
fn whose(world: &World, wanted: BufferId, before: usize) -> Option<(File, Queue, u32)> {
    let queue = match wanted.output {
        true => Queue::Output,
        false => Queue::Capture,
    };
    let given = |index: &usize| match world.trace.events.get(*index) {
        Some(Event::Ledger(record)) => buffer(&record.kind).map(|b| b.queue) == Some(wanted.queue),
        _ => false,
    };
    let takers = world.takers.iter().filter(|(index, _)| given(index));
    let taker = takers
        .filter(|(index, _)| **index <= before)
        .max_by_key(|(index, _)| **index);
    let file = match taker {
        // A file whose slot was filled again has no name in the program.
        Some((_, place)) => Some(File(place.file)).filter(|file| file.0 < MAX_FILES),
        None => only_file(world.program),
    };
    Some((file?, queue, wanted.index))
}

fn only_file(program: &program::Program) -> Option<File> {
    let mut files = program.steps.iter().filter_map(|step| match step.op {
        program::Op::Open { file, .. } => Some(file),
        _ => None,
    });
    let first = files.next()?;
    files.all(|file| file == first).then_some(first)
}
