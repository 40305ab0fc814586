//! The guard: if the main thread is stuck inside a system call, it reports what happened so far in its place, and ends
//! the agent when the host next speaks or hangs up. A target with a stuck thread is of no more use.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::{Context, Result};
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use trace::wire::{self, Reply, Report};

use crate::channel::Transport;
use crate::priority::{self, Role, THREAD_STACK};
use crate::shared::Shared;
use crate::sys::batch::Batch;
use crate::sys::clock::{Timer, thread_id};

/// The signal that wakes the guard.
const WAKE: Signal = Signal::SIGUSR1;

/// How the agent ends when its main thread cannot.
pub(crate) type LastAct = fn() -> !;

/// The main thread's side: arms and disarms.
pub(crate) struct Guard {
    timer: Timer,
    running: Arc<AtomicBool>,
}

impl Guard {
    /// Starts the guard's thread. Must be called before any other thread is started, so that all inherit the mask.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        transport: Arc<dyn Transport>,
        last_act: LastAct,
    ) -> Result<Self> {
        let mut mask = SigSet::empty();
        mask.add(WAKE);
        mask.thread_block()
            .context("cannot block the guard's signal")?;
        let running = Arc::new(AtomicBool::new(false));
        let (tell, told) = mpsc::channel();
        let (shared, flag) = (Arc::clone(shared), Arc::clone(&running));
        thread::Builder::new()
            .name("guard".to_owned())
            .stack_size(THREAD_STACK)
            .spawn(move || {
                priority::take(Role::Guard);
                let _ = tell.send(thread_id());
                await_stuck_run(&flag, &mask);
                tell_and_end(&shared, &*transport, last_act);
            })
            .context("cannot start the guard's thread")?;
        let tid = told.recv().context("the guard's thread ended")?;
        let timer = Timer::for_thread(tid, WAKE as libc::c_int)
            .context("timer_create: the kernel needs CONFIG_POSIX_TIMERS")?;
        Ok(Self { timer, running })
    }

    /// A run begins that is stuck if it takes longer than this, once the calls of the batch are made.
    pub(crate) fn begin(&self, batch: &mut Batch<'_>, limit: u64) {
        self.running.store(true, Ordering::SeqCst);
        batch.arm(&self.timer, limit);
    }

    /// The run ended; false if the guard has reported it. The timer may go on: the next run arms it anew, and without a
    /// run the guard does nothing.
    pub(crate) fn end(&self) -> bool {
        self.running.swap(false, Ordering::SeqCst)
    }
}

/// Returns when the timer has expired while a run went on.
fn await_stuck_run(running: &AtomicBool, mask: &SigSet) {
    loop {
        let woken = mask.wait().is_ok();
        if woken && running.swap(false, Ordering::SeqCst) {
            return;
        }
    }
}

fn tell_and_end(shared: &Shared, transport: &dyn Transport, last_act: LastAct) -> ! {
    let reply = Reply::Ran(Box::new(report(shared)));
    let sent = wire::encode(&reply).map(|frame| transport.write_all(&frame));
    if matches!(sent, Ok(Ok(()))) {
        let _ = transport.read(&mut [0]);
    } else {
        eprintln!("agent: the report of a stuck run could not be sent");
    }
    last_act()
}

/// What is known of a run whose main thread does not come back. Its step is the number of steps if it is stuck in the
/// closing that follows the program.
fn report(shared: &Shared) -> Report {
    let mut journal = shared.journal();
    journal.drain(None);
    journal.stuck(shared.step());
    for op in shared.pool.outstanding() {
        journal.stuck(op);
    }
    journal.kernel_log(shared.trouble());
    // Whatever comes back later belongs to no run.
    journal.run = journal.run.wrapping_add(1);
    Report {
        fences: journal.tally.totals(),
        trace: journal.take(),
        coverage: Vec::new(),
    }
}
