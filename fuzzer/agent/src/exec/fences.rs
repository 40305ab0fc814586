//! Operations on dma-bufs and sync_files.

use std::time::Duration;

use nix::errno::Errno;
use program::{Access, CPU_ACCESS_LIMIT, Dmabuf, Interest, Micros, Op, Sync, SyncEdge};
use trace::{Content, Out};

use super::{DONE, Executor, access_flags, nanoseconds, poll_events, poll_limit};
use crate::content;
use crate::journal::{Outcome, Seen};
use crate::sys::{Plain, clock, dma_buf, file, sync_file};
use crate::table::Table;

impl Executor<'_> {
    pub(super) fn fence_operation(&self, op: &Op) -> Outcome {
        match *op {
            Op::ExportSync {
                sync,
                dmabuf,
                access,
            } => self.export_sync(sync, dmabuf, access),
            Op::ImportSync {
                dmabuf,
                sync,
                access,
            } => self.import_sync(dmabuf, sync, access),
            Op::CpuSync {
                dmabuf,
                edge,
                access,
            } => self.cpu_sync(dmabuf, edge, access),
            Op::Merge { sync, a, b } => self.merge(sync, a, b),
            Op::FileInfo { sync } => {
                let fd = self.shared.table().sync(sync).fd;
                self.told(fd)
            }
            Op::SetDeadline { sync, after } => self.set_deadline(sync, after),
            Op::PollSync { sync, timeout } => self.poll_sync(sync, timeout),
            Op::PollDmabuf {
                dmabuf,
                interest,
                timeout,
            } => {
                let fd = self.shared.table().dmabuf(dmabuf).fd;
                polled(fd, interest, timeout)
            }
            Op::PollFile {
                file,
                interest,
                timeout,
            } => {
                let fd = self.shared.table().file(file).fd;
                polled(fd, interest, timeout)
            }
            Op::Check { dmabuf } => self.check(dmabuf),
            _ => Err(Errno::ENOSYS),
        }
    }

    /// What a new sync_file says. One that cannot be asked is closed again: the call that made it is told as failed.
    fn made(&self, slot: Sync, fd: i32) -> Outcome {
        self.told(fd).inspect_err(|_| self.vacate_sync(slot))
    }

    /// What a sync_file says; in a bare loop nobody asks.
    pub(super) fn told(&self, fd: i32) -> Outcome {
        if self.observed {
            sync_file::info(fd).map(Seen::Sync)
        } else {
            DONE
        }
    }

    fn export_sync(&self, sync: Sync, dmabuf: Dmabuf, access: Access) -> Outcome {
        self.vacate_sync(sync);
        let mut export = dma_buf::SyncFile {
            flags: access_flags(access),
            fd: -1,
        };
        let fd = self.shared.table().dmabuf(dmabuf).fd;
        dma_buf::EXPORT_SYNC_FILE.call(fd, &mut export)?;
        let mut table = self.shared.table();
        let plane = table.dmabuf_slot(dmabuf).plane;
        table.set_sync(sync, export.fd, plane);
        drop(table);
        self.made(sync, export.fd)
    }

    fn import_sync(&self, dmabuf: Dmabuf, sync: Sync, access: Access) -> Outcome {
        let (dmabuf, sync) = {
            let table = self.shared.table();
            (table.dmabuf(dmabuf).fd, table.sync(sync).fd)
        };
        let mut import = dma_buf::SyncFile {
            flags: access_flags(access),
            fd: sync,
        };
        dma_buf::IMPORT_SYNC_FILE.call(dmabuf, &mut import)?;
        DONE
    }

    fn cpu_sync(&self, dmabuf: Dmabuf, edge: SyncEdge, access: Access) -> Outcome {
        let fd = self.shared.table().dmabuf(dmabuf).fd;
        let mut flags = u64::from(access_flags(access));
        if edge == SyncEdge::End {
            flags |= u64::from(dma_buf::SYNC_END);
        }
        let mut sync = dma_buf::CpuSync { flags };
        let mut call = || dma_buf::SYNC.call(fd, &mut sync);
        // The start waits for fences, for ever if they never signal, but a signal interrupts it. That a driver's fence signals
        // the bare loop takes for granted.
        let limit = Duration::from_nanos(nanoseconds(CPU_ACCESS_LIMIT));
        let limited = self.observed || self.shared.table().has_timelines();
        if edge == SyncEdge::Start && limited {
            clock::interrupted_after(limit, call)?;
        } else {
            call()?;
        }
        DONE
    }

    fn merge(&self, sync: Sync, a: Sync, b: Sync) -> Outcome {
        // When a sync_file is merged into its own slot, it must live until the merge is done.
        let kept = sync == a || sync == b;
        if !kept {
            self.vacate_sync(sync);
        }
        let (first, second) = {
            let table = self.shared.table();
            (table.sync(a).fd, table.sync(b).fd)
        };
        // No name is given, so that the kernel names the result after its fence.
        let mut merge = sync_file::MergeData {
            fd2: second,
            ..sync_file::MergeData::zeroed()
        };
        sync_file::MERGE.call(first, &mut merge)?;
        self.vacate_sync(sync);
        self.shared.table().set_sync(sync, merge.fence, None);
        self.made(sync, merge.fence)
    }

    fn set_deadline(&self, sync: Sync, after: Micros) -> Outcome {
        let fd = self.shared.table().sync(sync).fd;
        let deadline_ns = clock::now() + nanoseconds(after);
        sync_file::SET_DEADLINE.call(
            fd,
            &mut sync_file::SetDeadline {
                deadline_ns,
                pad: 0,
            },
        )?;
        DONE
    }

    fn poll_sync(&self, sync: Sync, timeout: Micros) -> Outcome {
        let handle = self.shared.table().sync(sync);
        let revents = file::poll(handle.fd, nix::libc::POLLIN, poll_limit(timeout))?;
        if revents & nix::libc::POLLIN as u16 == 0 {
            return Ok(Seen::Out(Out::Polled { revents }));
        }
        self.told(Table::still(handle, self.shared.table().sync(sync)))
    }

    fn check(&self, dmabuf: Dmabuf) -> Outcome {
        if !self.observed {
            return DONE;
        }
        self.content(dmabuf)
            .map(|content| Seen::Out(Out::Content(content)))
    }

    /// Looks at the plane behind a dma-buf slot through its mapping.
    pub(crate) fn content(&self, dmabuf: Dmabuf) -> nix::Result<Content> {
        let mut table = self.shared.table();
        if table.dmabuf(dmabuf).fd < 0 {
            return Err(Errno::EBADF);
        }
        // The table stays locked, so that nobody unmaps the plane meanwhile.
        let mapping = table
            .dmabuf_slot(dmabuf)
            .mapping
            .as_ref()
            .ok_or(Errno::ENXIO)?;
        Ok(content::look(mapping, self.start))
    }
}

fn polled(fd: i32, interest: Interest, timeout: Micros) -> Outcome {
    let revents = file::poll(fd, poll_events(interest), poll_limit(timeout))?;
    Ok(Seen::Out(Out::Polled { revents }))
}
