//! What no video device makes: fences on software timelines, and dma-bufs of other exporters.

use nix::errno::Errno;
use program::{Dmabuf, Exporter, MAX_ALLOCATION, Op, Sync};

use super::{DONE, Executor};
use crate::journal::Outcome;
use crate::sys::{dma_heap, file, sw_sync, udmabuf};

impl Executor<'_> {
    pub(super) fn stranger_operation(&self, op: &Op) -> Outcome {
        match *op {
            Op::SwSync { sync } => self.software_fence(sync),
            Op::Signal { sync } => {
                let timeline = self.shared.table().timeline(sync);
                sw_sync::advance(timeline).and(DONE)
            }
            Op::Allocate {
                dmabuf,
                exporter,
                bytes,
            } => self.allocate(dmabuf, exporter, bytes),
            _ => Err(Errno::ENOSYS),
        }
    }

    /// A fence of a new timeline. If that fails the slot's timeline is the one that it was.
    fn software_fence(&self, slot: Sync) -> Outcome {
        self.vacate_sync(slot);
        let timeline = sw_sync::timeline()?;
        let fd = match sw_sync::fence(timeline, 1) {
            Ok(fd) => fd,
            Err(errno) => return file::close(timeline).and(Err(errno)),
        };
        let told = self.told(fd);
        if told.is_err() {
            return file::close(fd).and(file::close(timeline)).and(told);
        }
        let old = {
            let mut table = self.shared.table();
            table.set_sync(slot, fd, None);
            table.set_timeline(slot, timeline)
        };
        if let Some(old) = old {
            let _ = file::close(old);
        }
        told
    }

    fn allocate(&self, slot: Dmabuf, exporter: Exporter, bytes: u32) -> Outcome {
        self.vacate_dmabuf(slot);
        if bytes > MAX_ALLOCATION {
            return Err(Errno::ENOMEM);
        }
        let bytes = u64::from(bytes);
        let fd = match exporter {
            Exporter::Udmabuf => udmabuf::create(bytes),
            Exporter::Heap => dma_heap::allocate(bytes),
        }?;
        let mut table = self.shared.table();
        let memory = table.fresh_plane();
        self.exported(&mut table, slot, fd, memory)
    }
}
