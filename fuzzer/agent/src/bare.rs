//! The yardstick: the system calls of a program and nothing else, as a C program would make them.

use program::Program;

use crate::exec::{Executor, LONGEST_WAIT};
use crate::finish;
use crate::pool::Job;
use crate::priority::HEAD_START;
use crate::shared::Shared;
use crate::sys::{self, clock};

/// Runs a program so many times, closing everything after each; tells how many system calls one run makes.
pub(crate) fn repeat(shared: &Shared, program: &Program, times: u32) -> u32 {
    let executor = Executor {
        shared,
        observed: false,
        start: 0,
    };
    let before = sys::calls();
    for _ in 0..times {
        shared.table().reset();
        once(&executor, program);
        shared.pool.join(LONGEST_WAIT);
        finish::close_all(shared);
    }
    let calls = sys::calls().wrapping_sub(before) / times.max(1);
    // What the kernel put off (freed memory, last references) is the loop's, and not of whoever sleeps next.
    clock::sleep(finish::SETTLE);
    calls
}

fn once(executor: &Executor<'_>, program: &Program) {
    for step in &program.steps {
        if step.asynchronous {
            let job = Job {
                run: 0,
                op_index: 0,
                op: step.op.clone(),
                fault: 0,
                observed: false,
            };
            if executor.shared.pool.hand_over(job) {
                clock::sleep(HEAD_START);
            }
        } else {
            // The results are the program's own business, as in a C loop that goes on whatever happens.
            let _ = executor.execute(&step.op);
        }
    }
}
