//! Running a program file under observation: what the ledger and the kernel log tell while it runs and until everything
//! that it held is gone.

use trace::Mark;
use trace::wire::{Ended, Executed};

use crate::child::Child;
use crate::finish;
use crate::limits::FINITE;
use crate::run::start;
use crate::shared::Shared;
use crate::sys::clock::{self, MILLISECOND};

/// How often the ledger's ring is emptied. It holds the records of some thousand jobs.
const DRAIN: u64 = 20 * MILLISECOND;

/// How a child ended, and its two outputs.
type Outcome = (Ended, Vec<u8>, Vec<u8>);

/// Runs the file `argv[0]` until it ends, or is killed after so many milliseconds.
pub(crate) fn run_file(shared: &Shared, argv: &[String], limit_ms: u32) -> Executed {
    let begin = start();
    shared.table().reset();
    shared.journal().begin(begin);
    let (end, output, errors) = match Child::start(argv) {
        Ok(child) => attend(shared, child, begin + u64::from(limit_ms) * MILLISECOND),
        Err(errno) => (Ended::NotStarted(errno as i32), Vec::new(), Vec::new()),
    };
    finish::settle(shared);
    let mut journal = shared.journal();
    journal.mark(Mark::AllClosed, clock::now());
    journal.kernel_log(shared.trouble());
    let fences = journal.tally.totals();
    Executed {
        end,
        output,
        errors,
        trace: journal.take(),
        fences,
    }
}

/// Sees the child to its end.
fn attend(shared: &Shared, mut child: Child, deadline: u64) -> Outcome {
    if watch(shared, &mut child, deadline) {
        return child.bury();
    }
    child.kill();
    if watch(shared, &mut child, clock::now() + FINITE) {
        let (_, output, errors) = child.bury();
        return (Ended::TimedOut, output, errors);
    }
    // It is stuck in the kernel, and its descriptors stay open: closing everything did not return.
    shared.journal().stuck(0);
    let (output, errors) = child.abandon();
    (Ended::TimedOut, output, errors)
}

/// Empties the ring while the child runs; false if it still runs at the deadline.
fn watch(shared: &Shared, child: &mut Child, deadline: u64) -> bool {
    loop {
        let left = deadline.saturating_sub(clock::now());
        let ended = child.watch(left.min(DRAIN)).unwrap_or(false);
        shared.journal().drain(None);
        if ended || left == 0 {
            return ended;
        }
    }
}
