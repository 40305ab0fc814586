// SPDX-License-Identifier: GPL-2.0

//! The ledger: what each observed step of a fence or a buffer means for ring and table.

use crate::{
    area::Area,
    lock::RawSpinLock,
    record::{Header, Kind, Record, F_ATOMIC},
    ring::Ring,
    shim::{self, Buffer, Fence},
    table::Table,
};
use kernel::{mm::virt::VmaNew, prelude::*, static_lock_class, sync::Arc};

/// Everything that lasts from load to unload.
#[pin_data]
pub(crate) struct Ledger {
    /// Driver names of the fences to follow, separated by commas.
    drivers: &'static [u8],
    area: Arc<Area>,
    #[pin]
    state: RawSpinLock<State>,
}

/// What the probes change.
struct State {
    ring: Ring,
    table: Table,
}

/// A reading of the totals, for people.
pub(crate) struct Summary {
    pub(crate) header: Header,
    pub(crate) live: usize,
}

impl Ledger {
    /// An empty ledger of the fences of these `drivers`.
    pub(crate) fn new(drivers: &'static CStr) -> Result<Arc<Self>> {
        let area = Arc::new(Area::new()?, GFP_KERNEL)?;
        // SAFETY: The area is new, and this is its only ring.
        let ring = unsafe { Ring::new(area.clone()) };
        let table = Table::new()?;
        Arc::pin_init(
            pin_init!(Self {
                drivers: drivers.to_bytes(),
                area,
                state <- RawSpinLock::new(
                    State { ring, table },
                    c"fence_ledger",
                    static_lock_class!()
                ),
            }),
            GFP_KERNEL,
        )
    }

    /// A fence was initialised; `driver` is what its operations call themselves.
    pub(crate) fn fence_init(&self, fence: &Fence, driver: &[u8]) {
        if !self.follows(driver) {
            return;
        }
        let record = Record::of_fence(Kind::Init, fence);
        self.update(record, |state| {
            let followed = state.table.insert(fence);
            if !followed {
                state.ring.count_untracked();
            }
            followed
        });
    }

    /// A fence was signalled; its lock is held.
    pub(crate) fn fence_signaled(&self, fence: &Fence) {
        let record = Record {
            error: fence.error,
            ..Record::of_fence(Kind::Signal, fence)
        };
        self.update(record, |state| state.table.contains(fence));
    }

    /// The last reference to a fence was put.
    pub(crate) fn fence_destroy(&self, fence: &Fence) {
        let record = Record::of_fence(Kind::Destroy, fence);
        self.update(record, |state| state.table.remove(fence));
    }

    /// A fence goes into the reservation object of a plane of `buffer`.
    pub(crate) fn attach(&self, buffer: &Buffer, plane: u32, fence: &Fence, usage: u32) {
        self.append(Record::of_attach(buffer, plane, fence, usage));
    }

    /// A buffer was given to the driver.
    pub(crate) fn buf_queue(&self, buffer: &Buffer) {
        self.append(Record::of_buffer(Kind::Queue, buffer));
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
        self.update(record, |_| true);
    }

    /// Appends `record` if `admit` says so, as one step.
    fn update(&self, record: Record, admit: impl FnOnce(&mut State) -> bool) {
        // Asked before the lock, which turns interrupts off itself.
        let flags = if shim::ledger_context_is_atomic() {
            F_ATOMIC
        } else {
            0
        };
        let mut state = self.state.lock();
        if admit(&mut state) {
            state.ring.push(Record { flags, ..record });
        }
    }

    /// Maps the ring into the new `vma`, read-only.
    pub(crate) fn map(&self, vma: &VmaNew) -> Result {
        self.area.map(vma)
    }

    /// A copy of record number `n`, if the ring holds it.
    pub(crate) fn record(&self, n: u64) -> Option<Record> {
        self.state.lock().ring.get(n)
    }

    /// The totals at this moment.
    pub(crate) fn summary(&self) -> Summary {
        let state = self.state.lock();
        Summary {
            header: state.ring.header(),
            live: state.table.len(),
        }
    }
}
