// SPDX-License-Identifier: GPL-2.0

//! The ring of records.
//!
//! Readers in user space take no lock, so the order of stores is the protocol. A record that is
//! being replaced has `seq` 0 from before its first changed byte until after its last one, and
//! `head` moves only when the record is whole. A reader that copies a record and then finds its
//! number in `seq`, before and after, has copied it whole.

use crate::{
    area::{Area, CAPACITY},
    record::{Header, Kind, Record},
};
use kernel::{
    sync::{
        atomic::{Atomic, Relaxed, Release},
        barrier::{smp_mb, Write},
        Arc,
    },
    time::{ClockSource, Monotonic},
};

/// The one writer of an [`Area`].
///
/// # Invariants
///
/// No other object writes to `area`, and the header's `head` equals `head`: the records with a
/// lower number have been written.
pub(crate) struct Ring {
    area: Arc<Area>,
    head: u64,
}

impl Ring {
    /// Takes the sole right to write to `area`.
    ///
    /// # Safety
    ///
    /// `area` must be as `Area::new()` left it, and nobody may make a second ring of it.
    pub(crate) unsafe fn new(area: Arc<Area>) -> Self {
        // INVARIANT: By the contract of this function nobody else writes, and `head` still is 0.
        Self { area, head: 0 }
    }

    /// Numbers, dates and appends `record`.
    pub(crate) fn push(&mut self, record: Record) {
        // Read under the ring's lock, so that times grow with the numbers. In User-Mode Linux a
        // clock that is read with interrupts off does not move, so recording costs no virtual time.
        let time_ns = Monotonic::ktime_get() as u64;
        let next = self.head + 1;
        self.count(record.kind);
        self.fill(Record {
            seq: 0,
            time_ns,
            ..record
        });
        // INVARIANT: The record numbered `head` has just been written.
        self.head = next;
        // SAFETY: The field lies in the area, which `self.area` keeps alive; it is aligned, and the
        // kernel stores to it atomically only.
        unsafe { Atomic::from_ptr(&raw mut (*self.area.header()).head) }.store(next, Release);
    }

    /// Writes `record` into the place of record number `head`.
    fn fill(&mut self, record: Record) {
        let place = self.area.record(self.head);
        // SAFETY: The place lies in the area, which `self.area` keeps alive, and is aligned.
        let seq = unsafe { Atomic::from_ptr(&raw mut (*place).seq) };
        seq.store(0, Relaxed);
        smp_mb(Write);
        // SAFETY: As above; by the type's invariant nobody else writes there.
        unsafe { place.write(record) };
        seq.store(self.head + 1, Release);
    }

    /// Adds a record of `kind` to the totals.
    fn count(&mut self, kind: Kind) {
        let header = self.area.header();
        // SAFETY: The fields lie in the area, which `self.area` keeps alive.
        let total = unsafe {
            match kind {
                Kind::Init => &raw mut (*header).inits,
                Kind::Attach => &raw mut (*header).attaches,
                Kind::Signal => &raw mut (*header).signals,
                Kind::Destroy => &raw mut (*header).destroys,
                Kind::Queue | Kind::Done | Kind::Job => return,
            }
        };
        // SAFETY: `total` is an aligned field of the header, stored to atomically only.
        unsafe { Self::increment(total) };
    }

    /// Counts a fence that could not be followed.
    pub(crate) fn count_untracked(&mut self) {
        // SAFETY: The field lies in the area, which `self.area` keeps alive, is aligned and stored
        // to atomically only.
        unsafe { Self::increment(&raw mut (*self.area.header()).untracked) };
    }

    /// Adds one to a total. `&mut self` of the callers excludes other writers.
    ///
    /// # Safety
    ///
    /// `total` must be aligned and valid, and be stored to atomically only.
    unsafe fn increment(total: *mut u64) {
        // SAFETY: By the contract of this function.
        let total = unsafe { Atomic::from_ptr(total) };
        total.store(total.load(Relaxed) + 1, Relaxed);
    }

    /// A copy of the header.
    pub(crate) fn header(&self) -> Header {
        // SAFETY: The header is valid for reads, and whoever holds `&self` excludes the writer.
        unsafe { self.area.header().read() }
    }

    /// A copy of record number `n`, if it has been written and not been overwritten.
    pub(crate) fn get(&self, n: u64) -> Option<Record> {
        if n >= self.head || self.head - n > CAPACITY {
            return None;
        }
        // SAFETY: By the type's invariant the record has been written, and whoever holds `&self`
        // excludes the writer.
        Some(unsafe { self.area.record(n).read() })
    }
}
