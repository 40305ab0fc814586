//! Keeping the past out of a run: who runs first when several threads can is decided by priority, not by what the
//! scheduler remembers, and no page of the agent is fetched while a program runs.

use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;
use nix::sys::mman::{MlockAllFlags, mlockall};

use crate::sys::clock::MILLISECOND;

/// Set once, when the agent is the target's init.
static REAL_TIME: AtomicBool = AtomicBool::new(false);

/// What a thread is for. A thread that was handed something runs before the one that handed it over.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Executes the program.
    Main = 1,
    /// Executes `async` operations.
    Worker = 2,
    /// Watches over a run.
    Guard = 3,
}

/// Claims a target that is ours alone: threads that [`take`] a role become real-time threads, and all memory of the
/// agent, present and future, stays resident. A page fault would cost virtual time, but only the first time.
pub(crate) fn own_the_target() -> nix::Result<()> {
    REAL_TIME.store(true, Ordering::Relaxed);
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)
}

/// Gives the calling thread the priority of its role, and timers without slack.
pub(crate) fn take(role: Role) {
    // SAFETY: PR_SET_TIMERSLACK takes a number.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
    if !REAL_TIME.load(Ordering::Relaxed) {
        return;
    }
    let parameter = libc::sched_param {
        sched_priority: role as libc::c_int,
    };
    // What the agent starts is an ordinary process.
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the parameter is valid for the call; 0 names the calling thread.
    unsafe { libc::sched_setscheduler(0, policy, &parameter) };
}

/// Time that is left to a thread of higher priority to come as far as it can.
pub(crate) const HEAD_START: u64 = MILLISECOND / 100;

/// Stack of the threads beside the main one; all of it is resident.
pub(crate) const THREAD_STACK: usize = 256 << 10;
