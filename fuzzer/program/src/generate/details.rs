//! The numbers of an operation that makes sense: common values often, rare ones rarely, always affordable.

use crate::choose::Choose;
use crate::driver::Driver;
use crate::op::{Knob, Micros, Op, Queue};

/// Picks one of `values`; early ones are more likely.
fn early<T: Copy>(choose: &mut dyn Choose, values: &[T]) -> T {
    let count = values.len() as u32;
    let weights: Vec<u32> = (0..count).map(|index| count - index).collect();
    values[choose.weighted(&weights)]
}

/// A size that suits the driver.
pub(super) fn size(driver: Driver, choose: &mut dyn Choose) -> (u32, u32) {
    early(choose, driver.sizes())
}

fn micros(choose: &mut dyn Choose, values: &[u32]) -> Micros {
    Micros(early(choose, values))
}

/// Chooses the numbers of `op`. A count of 0 for REQBUFS means "free", and stays.
pub(super) fn fill(op: &mut Op, driver: Driver, choose: &mut dyn Choose) {
    match op {
        Op::SetFormat { width, height, .. } | Op::TryFormat { width, height, .. } => {
            (*width, *height) = size(driver, choose)
        }
        Op::Reqbufs { count, .. } if *count > 0 => *count = early(choose, &[2, 3, 1, 4, 8]),
        Op::CreateBufs { count, .. } => *count = early(choose, &[1, 2, 3]),
        Op::RemoveBufs { count, .. } => *count = early(choose, &[1, 1, 2]),
        Op::PollSync { timeout, .. }
        | Op::PollDmabuf { timeout, .. }
        | Op::PollRequest { timeout, .. }
        | Op::PollFile { timeout, .. } => {
            *timeout = micros(choose, &[0, 1_000, 5_000, 20_000, 100_000, 1_200_000]);
        }
        Op::Advance { time } => {
            *time = micros(
                choose,
                &[500, 1_000, 2_000, 5_000, 50, 20_000, 60_000, 1_100_000],
            );
        }
        Op::SetControl { control, value, .. } | Op::TryControl { control, value, .. } => {
            *value = early(choose, super::controls::values(*control));
        }
        Op::AskQueue { queue, .. } => *queue = early(choose, Queue::ALL),
        Op::SetDeadline { after, .. } => *after = micros(choose, &[1_000, 5_000, 0, 1_000_000]),
        _ => fill_knob(op, driver, choose),
    }
}

fn fill_knob(op: &mut Op, driver: Driver, choose: &mut dyn Choose) {
    match op {
        Op::GateClose { chunk, .. } => *chunk = early(choose, &[1, 2, 3, 4]),
        Op::JobTime { time, .. } => {
            *time = micros(choose, &[2_000, 500, 100, 5_000, 0, 20_000, 100_000]);
        }
        Op::Chunks { count, delay, .. } => {
            *count = early(choose, &[4, 2, 1, 3, 8, 64]);
            *delay = micros(choose, &[500, 100, 0, 1_000, 5_000]);
        }
        Op::Watchdog { time, .. } => {
            *time = micros(
                choose,
                &[50_000, 20_000, 5_000, 2_000, 1_000, 200_000, 2_000_000],
            );
        }
        Op::SetKnob { knob, value, .. } if *value > 0 => *value = early(choose, values(*knob)),
        Op::FailNth { nth } => *nth = early(choose, &[1, 2, 3, 4, 5, 6, 8, 12]),
        Op::Fail { job, .. } => *job = early(choose, &[1, 2, 3]),
        Op::SourceChange {
            frame,
            width,
            height,
            ..
        } => {
            *frame = early(choose, &[1, 2, 3]);
            (*width, *height) = size(driver, choose);
        }
        _ => {}
    }
}

/// Values of a knob that do something.
fn values(knob: Knob) -> &'static [u32] {
    match knob {
        Knob::Frames => &[2, 3, 1, 16],
        Knob::NotReady | Knob::Suspend | Knob::Abort => &[1, 1, 0],
        Knob::MinQueued => &[0x101, 0x201, 0x102, 0x300, 0],
        Knob::FailLate => &[1, 2],
    }
}
