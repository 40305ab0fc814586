//! How long things may take, in virtual time.

use program::{Driver, Op, Program, SyncEdge, Wait};

use crate::exec::{LONGEST_WAIT, nanoseconds, poll_limit};
use crate::sys::clock::{MILLISECOND, SECOND};

/// The finite-time bound: the watchdog's maximum and slack.
pub(crate) const FINITE: u64 = 3 * SECOND;
/// Chunks and chunk delay of a handle that was told nothing.
const USUAL_CHUNKS: (u64, u64) = (4, 0);

/// The time after which a run is certainly stuck.
pub(crate) fn whole(program: &Program, driver: Driver) -> u64 {
    let steps: u64 = program.steps.iter().map(|step| operation(&step.op)).sum();
    60 * SECOND + steps + longest_job(program, driver)
}

/// The longest time that an operation takes on a kernel that keeps its promises.
fn operation(op: &Op) -> u64 {
    let longest_wait = LONGEST_WAIT.as_nanos() as u64;
    FINITE
        + match *op {
            Op::Advance { time } => nanoseconds(time),
            Op::PollSync { timeout, .. }
            | Op::PollDmabuf { timeout, .. }
            | Op::PollRequest { timeout, .. }
            | Op::PollFile { timeout, .. } => poll_limit(timeout),
            Op::Dqbuf {
                wait: Wait::Poll | Wait::Block,
                ..
            }
            | Op::CpuSync {
                edge: SyncEdge::Start,
                ..
            }
            | Op::Join => longest_wait,
            _ => 0,
        }
}

/// The time in which all `async` operations should have returned.
pub(crate) fn asynchronous(program: &Program) -> u64 {
    let steps = program.steps.iter().filter(|step| step.asynchronous);
    steps.map(|step| operation(&step.op)).max().unwrap_or(0)
}

/// The time in which a writer that goes on after its job must have shown itself.
pub(crate) fn longest_job(program: &Program, driver: Driver) -> u64 {
    let (chunks, delay) = USUAL_CHUNKS;
    let mut longest = (driver.job_micros() * 1000, chunks, delay);
    for step in &program.steps {
        match step.op {
            Op::JobTime { time, .. } => longest.0 = longest.0.max(nanoseconds(time)),
            Op::Chunks { count, delay, .. } => {
                longest.1 = longest.1.max(count.min(64).into());
                longest.2 = longest.2.max(nanoseconds(delay).min(SECOND));
            }
            _ => {}
        }
    }
    longest.0.min(10 * SECOND) + longest.1 * longest.2 + 10 * MILLISECOND
}

#[cfg(test)]
mod tests {
    use program::{File, Micros, Step};

    use super::*;

    fn program(ops: Vec<Op>, asynchronous: bool) -> Program {
        Program {
            steps: ops
                .into_iter()
                .map(|op| Step { op, asynchronous })
                .collect(),
        }
    }

    #[test]
    fn the_longest_job_takes_the_worst_of_all_handles() {
        let ops = vec![
            Op::JobTime {
                file: File(0),
                time: Micros(2000),
            },
            Op::Chunks {
                file: File(1),
                count: 8,
                delay: Micros(500),
            },
            Op::JobTime {
                file: File(2),
                time: Micros(1),
            },
        ];
        assert_eq!(
            longest_job(&program(ops, false), Driver::Double),
            2 * MILLISECOND + 4 * MILLISECOND + 10 * MILLISECOND
        );
    }

    #[test]
    fn values_that_the_driver_refuses_make_nobody_wait() {
        let ops = vec![
            Op::JobTime {
                file: File(0),
                time: Micros(u32::MAX),
            },
            Op::Chunks {
                file: File(0),
                count: u32::MAX,
                delay: Micros(u32::MAX),
            },
        ];
        assert!(longest_job(&program(ops, false), Driver::Double) < 75 * SECOND);
    }

    #[test]
    fn only_async_operations_are_waited_for() {
        let wait = vec![Op::Dqbuf {
            file: File(0),
            queue: program::Queue::Capture,
            wait: Wait::Poll,
        }];
        assert_eq!(asynchronous(&program(wait.clone(), false)), 0);
        assert_eq!(asynchronous(&program(wait, true)), 13 * SECOND);
    }

    #[test]
    fn deliberate_pauses_are_not_stuck() {
        let pause = vec![Op::Advance {
            time: Micros(100_000_000),
        }];
        assert!(whole(&program(pause, false), Driver::Double) > 160 * SECOND);
    }
}
