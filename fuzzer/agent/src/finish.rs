//! The stages after a program's last operation: wait, look, close the video files, look again, close everything.

use program::{Op, Program};
use trace::Mark;

use crate::exec::Executor;
use crate::run::join;
use crate::shared::Shared;
use crate::sys::clock::{self, MILLISECOND};
use crate::{limits, look};

/// Time for a late store into a plane whose queue is gone.
const AFTER_CLOSE: u64 = 10 * MILLISECOND;
/// Time in which deferred work (a file's last put, a fence's last put) must be done, and how often that is looked up.
const SETTLE: u64 = 200 * MILLISECOND;
const SETTLE_STEP: u64 = 5 * MILLISECOND;

/// Goes through the stages.
pub(crate) fn finish(executor: &Executor<'_>, program: &Program) {
    let shared = executor.shared;
    join(shared, limits::asynchronous(program));
    clock::sleep(quiet_time(executor, program));
    shared.journal().mark(Mark::Quiet, clock::now());
    look::at_everything(executor);

    close_files(executor);
    if shared.table().holds_anything() {
        clock::sleep(AFTER_CLOSE);
    }
    shared.journal().mark(Mark::VideoClosed, clock::now());
    look::at_everything(executor);

    close_rest(executor);
    // A driver that the program unloaded holds others again, which is counted.
    executor.shared.device().restore();
    settle(executor.shared);
    report_stuck(executor);
    shared.journal().look_objects();
    shared.journal().mark(Mark::AllClosed, clock::now());
}

/// The finite-time bound if anything is pending, else just what a runaway writer needs to show itself.
fn quiet_time(executor: &Executor<'_>, program: &Program) -> u64 {
    let mut journal = executor.shared.journal();
    journal.drain(executor.shared.table().only_serial());
    let blind = !journal.has_ledger() && streams(program);
    let unfinished = journal.tally.unfinished() || !executor.shared.pool.is_idle() || blind;
    let writer = limits::longest_job(program, executor.shared.driver.unwrap_or_default());
    if unfinished {
        writer.max(limits::FINITE)
    } else {
        writer.max(20 * MILLISECOND)
    }
}

fn streams(program: &Program) -> bool {
    program
        .steps
        .iter()
        .any(|step| matches!(step.op, Op::Streamon { .. }))
}

fn close_files(executor: &Executor<'_>) {
    let open = executor.shared.table().open_files();
    for file in open {
        executor.vacate_file(file);
    }
    unmap(executor, true);
    let requests = executor.shared.table().open_requests();
    for request in requests {
        executor.vacate_request(request);
    }
}

/// Unmaps what there is of video nodes, whose files that keeps open, or of dma-bufs.
fn unmap(executor: &Executor<'_>, video: bool) {
    let maps = executor.shared.table().mapped(video);
    for map in maps {
        let _ = executor.unmap(map);
    }
}

/// Closes the dma-bufs and sync_files, and what strangers' fences are left.
///
/// Closing a software timeline ends its pending fences with an error. Until here nobody but the program does so: what the
/// looks before saw of them is what the driver left of them. It cannot be later, because a poll on a dma-buf holds it until
/// the fence that it waits for has ended, and the dma-bufs are about to be counted.
fn close_rest(executor: &Executor<'_>) {
    unmap(executor, false);
    let (dmabufs, syncs) = {
        let table = executor.shared.table();
        (table.open_dmabufs(), table.open_syncs())
    };
    for dmabuf in dmabufs {
        executor.vacate_dmabuf(dmabuf);
    }
    for sync in syncs {
        executor.vacate_sync(sync);
    }
    executor.close_timelines();
}

/// Closes everything at once, as the end of a process does.
pub(crate) fn close_all(executor: &Executor<'_>) {
    close_files(executor);
    close_rest(executor);
}

/// Waits for deferred work. Without a ledger nobody knows whether there is any. What is left when every fence is gone
/// (a device's last put) gets its turn while the next program waits for its start.
pub(crate) fn settle(shared: &Shared) {
    let mut waited = 0;
    while waited < SETTLE && !shared.journal().has_settled(waited) {
        clock::sleep(SETTLE_STEP);
        waited += SETTLE_STEP;
    }
}

fn report_stuck(executor: &Executor<'_>) {
    for op in executor.shared.pool.outstanding() {
        executor.shared.journal().stuck(op);
    }
}
