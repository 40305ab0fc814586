//! What the agent looks at of its own accord.

use nix::libc;
use program::{Dmabuf, File, Queue, Sync};
use trace::Mark;

use crate::exec::Executor;
use crate::sys::batch::Batch;
use crate::sys::clock;
use crate::sys::sync_file::{self, Question};
use crate::table::{BufferKey, Table};

/// A buffer was dequeued: its fences must have signalled and its frame must be whole.
pub(crate) fn after_dequeue(executor: &Executor<'_>, file: File, queue: Queue, index: u32) {
    let (syncs, dmabufs) = {
        let table = executor.shared.table();
        match table.serial(file) {
            Some(serial) => table.witnesses(BufferKey {
                serial,
                queue,
                index,
                plane: 0,
            }),
            None => return,
        }
    };
    for sync in syncs {
        look_at_sync(executor, sync);
    }
    for dmabuf in dmabufs.into_iter().filter(|_| queue == Queue::Capture) {
        look_at_content(executor, dmabuf);
    }
}

/// Makes the calls of `batch`, logs the mark, and looks at everything that is still held. All calls go in one.
pub(crate) fn at_everything(executor: &Executor<'_>, batch: Batch<'_>, mark: Mark) {
    let syncs = held_syncs(&executor.shared.table());
    let dmabufs = held_dmabufs(&executor.shared.table());
    let mut questions: Vec<_> = syncs.iter().map(|_| Question::default()).collect();
    let mut polled: Vec<_> = dmabufs.iter().map(|(_, fd)| for_anything(*fd)).collect();
    // From here on it borrows what is asked, too.
    let mut batch = batch;
    for ((_, fd), question) in syncs.iter().zip(&mut questions) {
        batch.ask(*fd, question);
    }
    if !polled.is_empty() {
        batch.poll(&mut polled);
    }
    let mut results = batch.make();
    let polls = usize::from(!polled.is_empty());
    let results = results.split_off(results.len() - syncs.len() - polls);
    let mut journal = executor.shared.journal();
    journal.mark(mark, clock::now());
    for (((sync, fd), question), result) in syncs.into_iter().zip(questions).zip(&results) {
        journal.look_sync(sync, question.answered(fd, *result));
    }
    drop(journal);
    for (dmabuf, _) in &dmabufs {
        look_at_content(executor, *dmabuf);
    }
    if results.last().is_some_and(Result::is_ok) {
        let mut journal = executor.shared.journal();
        for ((dmabuf, _), entry) in dmabufs.iter().zip(&polled) {
            journal.look_poll(*dmabuf, entry.revents as u16);
        }
    }
}

/// The sync_files that are held, with their descriptors.
fn held_syncs(table: &Table) -> Vec<(Sync, i32)> {
    let syncs = table.open_syncs().into_iter();
    syncs.map(|sync| (sync, table.sync(sync).fd)).collect()
}

/// The dma-bufs that are held, with their descriptors.
fn held_dmabufs(table: &Table) -> Vec<(Dmabuf, i32)> {
    let dmabufs = table.open_dmabufs().into_iter();
    let with_fd = |dmabuf| (dmabuf, table.dmabuf(dmabuf).fd);
    dmabufs.map(with_fd).collect()
}

fn for_anything(fd: i32) -> libc::pollfd {
    libc::pollfd {
        fd,
        events: libc::POLLIN | libc::POLLOUT,
        revents: 0,
    }
}

fn look_at_sync(executor: &Executor<'_>, sync: Sync) {
    let fd = executor.shared.table().sync(sync).fd;
    let info = sync_file::info(fd);
    executor.shared.journal().look_sync(sync, info);
}

fn look_at_content(executor: &Executor<'_>, dmabuf: Dmabuf) {
    let content = executor.content(dmabuf);
    executor.shared.journal().look_content(dmabuf, content);
}
