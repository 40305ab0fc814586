//! The stages after a program's last operation: wait, look, close the video files, look again, close everything.

use program::{Op, Program};
use trace::Mark;

use crate::exec::Executor;
use crate::run::join;
use crate::shared::Shared;
use crate::sys::batch::Batch;
use crate::sys::clock::{self, MILLISECOND};
use crate::table::Table;
use crate::{limits, look};

/// Time for a late store into a plane whose queue is gone.
const AFTER_CLOSE: u64 = 10 * MILLISECOND;
/// Time in which deferred work (a file's last put, a fence's last put) must be done, and how often that is looked up.
pub(crate) const SETTLE: u64 = 200 * MILLISECOND;
const SETTLE_STEP: u64 = 5 * MILLISECOND;

/// Goes through the stages.
pub(crate) fn finish(executor: &Executor<'_>, program: &Program) {
    let shared = executor.shared;
    join(shared, limits::asynchronous(program));
    let mut batch = Batch::default();
    batch.sleep(quiet_time(executor, program));
    look::at_everything(executor, batch, Mark::Quiet);

    let mut batch = close_files(&mut shared.table());
    if shared.table().holds_anything() {
        batch.sleep(AFTER_CLOSE);
    }
    look::at_everything(executor, batch, Mark::VideoClosed);

    let batch = close_rest(&mut shared.table());
    close_and_count(shared, batch);
    settle(shared);
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

/// What closes the video files and requests, and unmaps their buffers, which would keep files open.
fn close_files(table: &mut Table) -> Batch<'static> {
    let mut batch = Batch::default();
    for file in table.open_files() {
        batch.close(table.take_file(file));
    }
    unmap(table, &mut batch, true);
    for request in table.open_requests() {
        batch.close(table.take_request(request));
    }
    batch
}

/// Unmaps what there is of video nodes or of dma-bufs.
fn unmap(table: &mut Table, batch: &mut Batch<'_>, video: bool) {
    for map in table.mapped(video) {
        if let Some(slot) = table.take_map(map) {
            batch.unmap(slot.mapping);
        }
    }
}

/// What closes the dma-bufs and sync_files, and what strangers' fences are left.
///
/// Closing a software timeline ends its pending fences with an error. Until here nobody but the program does so: what the
/// looks before saw of them is what the driver left of them. It cannot be later, because a poll on a dma-buf holds it until
/// the fence that it waits for has ended, and the dma-bufs are about to be counted.
fn close_rest(table: &mut Table) -> Batch<'static> {
    let mut batch = Batch::default();
    unmap(table, &mut batch, false);
    for dmabuf in table.open_dmabufs() {
        let (fd, mapping) = table.take_dmabuf(dmabuf);
        if let Some(mapping) = mapping {
            batch.unmap(mapping);
        }
        batch.close(fd);
    }
    for sync in table.open_syncs() {
        batch.close(table.take_sync(sync));
    }
    for timeline in table.take_timelines() {
        batch.close(timeline);
    }
    batch
}

/// Closes everything at once, as the end of a process does, but by calls of its own.
pub(crate) fn close_all(shared: &Shared) {
    let batches = [close_files, close_rest].map(|close| close(&mut shared.table()));
    for batch in batches {
        batch.make_apart();
    }
}

/// Makes the last calls, and counts what is left.
fn close_and_count(shared: &Shared, batch: Batch<'_>) {
    let counter = if shared.device().is_present() {
        shared.journal().lend_counter()
    } else {
        None
    };
    // The journal is free meanwhile: a call may wait for a thread that writes into it.
    if let Some(mut counter) = counter {
        let left = counter.count_after(batch);
        shared.journal().counted(counter, left);
    } else {
        batch.make();
        // A driver that the program unloaded holds others again, which is counted.
        shared.device().restore();
    }
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
