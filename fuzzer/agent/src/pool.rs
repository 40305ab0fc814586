//! The threads that execute `async` operations.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use program::Op;

use crate::priority::{self, Role, THREAD_STACK};
use crate::run::execute_async;
use crate::shared::{Shared, locked};

/// Operations that can run beside the program at one time.
const THREADS: usize = 4;

/// An operation for another thread.
pub(crate) struct Job {
    /// The run that it belongs to.
    pub(crate) run: u32,
    /// Index of its step.
    pub(crate) op_index: u16,
    /// The operation.
    pub(crate) op: Op,
    /// Which of the allocations of its system calls fails; 0 for none.
    pub(crate) fault: u32,
    /// False in the bare loop.
    pub(crate) observed: bool,
}

/// Who waits, who runs.
#[derive(Default)]
pub(crate) struct Pool {
    state: Mutex<State>,
    work: Condvar,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Steps that run, or are about to, and have not returned.
    running: Vec<u16>,
}

impl Pool {
    /// Starts the threads.
    pub(crate) fn start(shared: &Arc<Shared>) -> Result<()> {
        for number in 0..THREADS {
            let shared = Arc::clone(shared);
            thread::Builder::new()
                .name(format!("async{number}"))
                .stack_size(THREAD_STACK)
                .spawn(move || work(&shared))
                .context("cannot start a thread: is the target out of memory?")?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// Hands an operation over; false if all threads are busy.
    pub(crate) fn hand_over(&self, job: Job) -> bool {
        let mut state = self.state();
        if state.running.len() >= THREADS {
            return false;
        }
        state.running.push(job.op_index);
        state.queue.push_back(job);
        drop(state);
        self.work.notify_one();
        true
    }

    /// Steps that have not returned.
    pub(crate) fn outstanding(&self) -> Vec<u16> {
        self.state().running.clone()
    }

    /// True if nothing runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.state().running.is_empty()
    }

    /// Waits until nothing runs; false if that takes longer.
    pub(crate) fn join(&self, limit: Duration) -> bool {
        let state = self.state();
        if state.running.is_empty() {
            return true;
        }
        let waited = self
            .returned
            .wait_timeout_while(state, limit, |state| !state.running.is_empty())
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        waited.0.running.is_empty()
    }

    fn next(&self) -> Job {
        let mut state = self.state();
        loop {
            if let Some(job) = state.queue.pop_front() {
                return job;
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    fn finished(&self, op_index: u16) {
        let mut state = self.state();
        if let Some(position) = state
            .running
            .iter()
            .position(|&running| running == op_index)
        {
            state.running.swap_remove(position);
        }
        drop(state);
        self.returned.notify_all();
    }
}

fn work(shared: &Shared) {
    priority::take(Role::Worker);
    loop {
        let job = shared.pool.next();
        execute_async(shared, &job);
        shared.pool.finished(job.op_index);
    }
}
