//! What a program may cost. A run is bounded by virtual time and the target by its memory; a program beyond that tests
//! patience and the OOM killer, not the fence code.

use crate::driver::Driver;
use crate::model::Model;
use crate::op::{Micros, Op, Program, Wait};
use crate::part::Part;

/// Virtual time that a generated or mutated program takes at most, in microseconds.
pub const MAX_TIME: u64 = 15_000_000;
/// Memory that its buffers hold at most on the double, in bytes. User-Mode Linux maps and unmaps each page of a vmalloc area with a call
/// to the host, so large buffers cost more than they show.
pub const MAX_BYTES: u64 = 8 << 20;

/// A size whose frames are cheap in any number of buffers.
const CHEAP_SIDE: u32 = 128;

pub(crate) fn affordable(model: &Model) -> bool {
    model.time <= MAX_TIME && model.peak_bytes <= model.driver.most_bytes()
}

/// Makes a program affordable: sizes first, then the dearest waits. What is affordable stays as it is.
pub(crate) fn tame(program: &mut Program, driver: Driver) {
    if program.cost_on(driver).bytes > driver.most_bytes() {
        shrink_sizes(program);
        // Frames of the codec are large whatever their size.
        while program.cost_on(driver).bytes > driver.most_bytes() {
            drop_costliest(program, driver);
        }
    }
    while program.cost_on(driver).time > MAX_TIME {
        shorten(program, driver);
    }
}

/// The step that adds most to what is measured.
fn costliest(program: &Program, driver: Driver, measure: fn(&Model) -> u64) -> Option<usize> {
    let mut model = Model::new(driver);
    let rises = program.steps.iter().map(|step| {
        let before = measure(&model);
        model.apply(step);
        measure(&model) - before
    });
    rises.zip(0..).max().map(|(_, index)| index)
}

/// Drops the step that adds most to what is held.
fn drop_costliest(program: &mut Program, driver: Driver) {
    if let Some(index) = costliest(program, driver, |model| model.peak_bytes) {
        program.steps.remove(index);
    }
}

fn shrink_sizes(program: &mut Program) {
    for step in &mut program.steps {
        for part in step.op.parts() {
            if let Part::Size(width, height) = part
                && width.saturating_mul(*height) > CHEAP_SIDE * CHEAP_SIDE
            {
                (*width, *height) = (CHEAP_SIDE, CHEAP_SIDE);
            }
        }
    }
}

/// Halves the wait of the step that costs most time, or drops the step if it has none to halve.
fn shorten(program: &mut Program, driver: Driver) {
    let Some(index) = costliest(program, driver, |model| model.time) else {
        return;
    };
    if !halve(&mut program.steps[index].op) {
        program.steps.remove(index);
    }
}

fn halve(op: &mut Op) -> bool {
    match op {
        Op::Dqbuf { wait, .. } => std::mem::take(wait) != Wait::Not,
        Op::Advance { time: Micros(time) }
        | Op::PollSync {
            timeout: Micros(time),
            ..
        }
        | Op::PollDmabuf {
            timeout: Micros(time),
            ..
        }
        | Op::PollRequest {
            timeout: Micros(time),
            ..
        }
        | Op::PollFile {
            timeout: Micros(time),
            ..
        } => {
            *time /= 2;
            true
        }
        _ => false,
    }
}
