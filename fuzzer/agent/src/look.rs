//! What the agent looks at of its own accord.

use nix::libc;
use program::{Dmabuf, File, Queue, Sync};

use crate::exec::Executor;
use crate::sys::{file, sync_file};
use crate::table::BufferKey;

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

/// Looks at everything that is still held.
pub(crate) fn at_everything(executor: &Executor<'_>) {
    let (syncs, dmabufs) = {
        let table = executor.shared.table();
        (table.open_syncs(), table.open_dmabufs())
    };
    for sync in syncs {
        look_at_sync(executor, sync);
    }
    for &dmabuf in &dmabufs {
        look_at_content(executor, dmabuf);
    }
    poll(executor, &dmabufs);
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

/// Polls all dma-bufs in one call.
fn poll(executor: &Executor<'_>, dmabufs: &[Dmabuf]) {
    if dmabufs.is_empty() {
        return;
    }
    let mut entries: Vec<libc::pollfd> = {
        let table = executor.shared.table();
        let entry = |fd| libc::pollfd {
            fd,
            events: libc::POLLIN | libc::POLLOUT,
            revents: 0,
        };
        dmabufs
            .iter()
            .map(|&dmabuf| entry(table.dmabuf(dmabuf).fd))
            .collect()
    };
    if file::poll_all(&mut entries, 0).is_err() {
        return;
    }
    let mut journal = executor.shared.journal();
    for (&dmabuf, entry) in dmabufs.iter().zip(&entries) {
        journal.look_poll(dmabuf, entry.revents as u16);
    }
}
