// SPDX-License-Identifier: GPL-2.0

//! The ring of records.
//!
//! Probes run wherever a fence is touched: in task context, in interrupt handlers, under the lock
//! of the fence, on any CPU. So nobody waits here. A writer takes the next number, makes the place
//! of that record its own by marking its `seq` as busy, fills it and stores the number. Readers, in
//! user space or here, take no lock either: `module/include/fence_ledger.h` tells how they know a
//! whole record.
//!
//! Two writers meet at one place only if one of them has not finished while all others wrote a
//! whole ring. The one that finds the place busy leaves its number there and goes; the one that
//! owns the place finds that number when it is done and says, in its own record's place, that a
//! record was lost. Either is counted.

use crate::{
    area::Area,
    irq::IrqsOff,
    record::{Kind, Record, SEQ_BUSY},
};
use kernel::{
    sync::{
        atomic::{Acquire, Full, Relaxed},
        barrier::{smp_mb, Read},
    },
    time::{ClockSource, Monotonic},
};

/// The ring in an [`Area`].
///
/// # Invariants
///
/// No other object writes to `area`. Whoever has marked the `seq` of a place as busy is the only
/// one to write its other words, and writes what `Record::to_words()` gave.
pub(crate) struct Ring {
    area: Area,
}

impl Ring {
    /// The ring in a new area.
    pub(crate) fn new(area: Area) -> Self {
        // INVARIANT: The area is owned, and no place in it is busy.
        Self { area }
    }

    /// The memory of the ring.
    pub(crate) fn area(&self) -> &Area {
        &self.area
    }

    /// Numbers, dates and appends `record`.
    pub(crate) fn push(&self, record: Record) {
        let _irqs_off = IrqsOff::new();
        let header = self.area.header();
        let number = header.head.fetch_add(1, Relaxed);
        // In User-Mode Linux a clock that is read with interrupts off does not move, so recording
        // costs no virtual time.
        let time_ns = Monotonic::ktime_get() as u64;
        if let Some(total) = header.total(record.kind) {
            total.add(1, Relaxed);
        }
        if self.claim(number) {
            self.fill(number, Record { time_ns, ..record });
            self.publish(number);
        } else {
            header.lost.add(1, Relaxed);
        }
    }

    /// Makes the place of record `number` the caller's; false if it is another one's.
    fn claim(&self, number: u64) -> bool {
        let [seq, ..] = self.area.record(number);
        let mut old = seq.load(Relaxed);
        // Each further turn means that another writer has got somewhere.
        while old & !SEQ_BUSY <= number {
            match seq.cmpxchg(old, SEQ_BUSY | (number + 1), Full) {
                // INVARIANT: A place that was not busy is now marked for this caller. One that was
                // stays its owner's, who finds the new number there.
                Ok(_) => return old & SEQ_BUSY == 0,
                Err(now) => old = now,
            }
        }
        // A writer that is a whole ring ahead has been here.
        false
    }

    /// Writes all words of record `number` but `seq`. The place is the caller's.
    fn fill(&self, number: u64, record: Record) {
        let place = self.area.record(number).iter();
        for (word, value) in place.zip(record.to_words()).skip(1) {
            word.store(value, Relaxed);
        }
    }

    /// Says that record `number` is whole, and gives its place up.
    fn publish(&self, number: u64) {
        let [seq, ..] = self.area.record(number);
        let mut mine = SEQ_BUSY | (number + 1);
        while let Err(later) = seq.cmpxchg(mine, mine & !SEQ_BUSY, Full) {
            // A later writer left its number. Its record is lost, and so is this one.
            mine = later;
            self.fill(number, Record::new(Kind::Lost));
        }
    }

    /// A copy of record `number`, if it is whole.
    pub(crate) fn get(&self, number: u64) -> Option<Record> {
        let place = self.area.record(number);
        let [seq, ..] = place;
        let is_whole = |seq: u64| seq == number + 1;
        if !is_whole(seq.load(Acquire)) {
            return None;
        }
        let words = place.each_ref().map(|word| word.load(Relaxed));
        smp_mb(Read);
        if !is_whole(seq.load(Relaxed)) {
            return None;
        }
        // SAFETY: `seq` says that a writer had filled the place before the first word was read, and
        // that nobody had marked it as busy when the last one was.
        Some(Record {
            seq: number + 1,
            ..unsafe { Record::from_words(words) }
        })
    }
}
