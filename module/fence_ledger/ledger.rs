// SPDX-License-Identifier: GPL-2.0

//! The ledger: what each observed step of a fence or a buffer means for ring and table.

use crate::{
    area::Area,
    record::{Header, Kind, Record},
    ring::Ring,
    shim::{self, Buffer, Fence, Plane},
    table::Table,
};
use kernel::{
    mm::virt::VmaNew,
    prelude::*,
    sync::{atomic::Relaxed, Arc},
};

/// Everything that lasts from load to unload.
pub(crate) struct Ledger {
    /// Driver names of the fences to follow, separated by commas.
    drivers: &'static [u8],
    ring: Ring,
    table: Table,
}

impl Ledger {
    /// An empty ledger of the fences of these `drivers`.
    pub(crate) fn new(drivers: &'static CStr) -> Result<Arc<Self>> {
        let ledger = Self {
            drivers: drivers.to_bytes(),
            ring: Ring::new(Area::new()?),
            table: Table::new()?,
        };
        Ok(Arc::new(ledger, GFP_KERNEL)?)
    }

    /// A fence was initialised; `driver` is what its operations call themselves.
    pub(crate) fn fence_init(&self, fence: &Fence, driver: &[u8]) {
        if !self.follows(driver) {
            return;
        }
        if self.table.insert(fence) {
            self.append(Record::of_fence(Kind::Init, fence));
        } else {
            self.header().untracked.add(1, Relaxed);
        }
    }

    /// A fence was signalled; its lock is held.
    pub(crate) fn fence_signaled(&self, fence: &Fence) {
        if self.table.contains(fence) {
            self.append(Record {
                error: fence.error,
                ..Record::of_fence(Kind::Signal, fence)
            });
        }
    }

    /// Somebody tries to signal a fence that is signalled.
    pub(crate) fn fence_signaled_again(&self, fence: &Fence) {
        if self.table.contains(fence) {
            self.append(Record::of_fence(Kind::Again, fence));
        }
    }

    /// The last reference to a fence was put.
    pub(crate) fn fence_destroy(&self, fence: &Fence) {
        if self.table.remove(fence) {
            self.append(Record::of_fence(Kind::Destroy, fence));
        }
    }

    /// A fence goes into the reservation object of a plane of `buffer`.
    pub(crate) fn attach(&self, buffer: &Buffer, plane: &Plane, fence: &Fence, usage: u32) {
        self.append(Record::of_attach(buffer, plane, fence, usage));
    }

    /// A buffer was given to the driver.
    pub(crate) fn buf_queue(&self, buffer: &Buffer) {
        self.append(Record::of_buffer(Kind::Queue, buffer));
        if buffer.is_userptr != 0 {
            self.append(Record::of_buffer(Kind::Userptr, buffer));
        }
    }

    /// The driver gave a buffer back.
    pub(crate) fn buf_done(&self, buffer: &Buffer) {
        self.append(Record {
            value: buffer.state,
            ..Record::of_buffer(Kind::Done, buffer)
        });
    }

    /// A hardware job that uses `buffer` has come to `phase`.
    pub(crate) fn hw_job(&self, buffer: &Buffer, job: u64, phase: u32) {
        self.append(Record {
            context: job,
            value: phase,
            ..Record::of_buffer(Kind::Job, buffer)
        });
    }

    /// Whether the fences of `driver` are of interest.
    fn follows(&self, driver: &[u8]) -> bool {
        self.drivers.split(|b| *b == b',').any(|d| d == driver)
    }

    fn append(&self, record: Record) {
        // Asked before the ring turns interrupts off itself.
        let flags = shim::ledger_context() as u16;
        self.ring.push(Record { flags, ..record });
    }

    /// Maps the ring into the new `vma`, read-only.
    pub(crate) fn map(&self, vma: &VmaNew) -> Result {
        self.ring.area().map(vma)
    }

    /// A copy of record number `n`, if the ring holds it.
    pub(crate) fn record(&self, n: u64) -> Option<Record> {
        self.ring.get(n)
    }

    /// The totals, which go on changing.
    pub(crate) fn header(&self) -> &Header {
        self.ring.area().header()
    }
}
