// SPDX-License-Identifier: GPL-2.0

//! The live fences that the ledger follows.
//!
//! A signalled fence has lost its operations, and with them the driver name that says whose it
//! is. So whoever is to be recognised at its signal and its destruction is written down at its
//! initialisation. The table has a fixed size: no probe may allocate. And no probe may wait for
//! another, so a fence has a few places, and takes one that is free.
//!
//! The steps of one fence come one after the other: nobody knows it before its initialisation has
//! returned, and nobody has it any more when it is destroyed. Only steps of different fences meet
//! in the table, and all that they have to agree on is who takes a free place.

use crate::shim::Fence;
use kernel::{
    prelude::*,
    sizes::SZ_16K,
    sync::atomic::{Atomic, Full, Relaxed, Release},
};

/// Fences that have a place, if they spread well. The lab keeps some tens alive at a time.
pub(crate) const SLOTS: usize = SZ_16K;

/// Places in a row that a fence may take, and rows that it may take one of.
const ROW: usize = 8;
const ROWS: usize = SLOTS / ROW;
const BITS: u32 = ROWS.ilog2();

const _: () = assert!(ROWS.is_power_of_two());
const _: () = assert!(2 * BITS <= u64::BITS);

/// The place of a followed fence, or a free one if `key` is 0.
struct Slot {
    key: Atomic<u64>,
    context: Atomic<u64>,
    seqno: Atomic<u64>,
}

impl Slot {
    fn free() -> Self {
        Self {
            key: Atomic::new(0),
            context: Atomic::new(0),
            seqno: Atomic::new(0),
        }
    }

    /// Takes the place if it is free.
    fn take(&self, key: u64) -> bool {
        self.key.load(Relaxed) == 0 && self.key.cmpxchg(0, key, Full).is_ok()
    }

    /// Writes down whose the place is, after it was taken.
    fn name(&self, fence: &Fence) {
        self.context.store(fence.context, Relaxed);
        self.seqno.store(fence.seqno, Relaxed);
    }

    /// Whether the place is that of `fence`, told from another one that was at the same address.
    fn is_of(&self, fence: &Fence) -> bool {
        self.key.load(Relaxed) == key(fence.address)
            && self.context.load(Relaxed) == fence.context
            && self.seqno.load(Relaxed) == fence.seqno
    }
}

/// Spreads addresses.
///
/// An odd factor loses nothing, so equal keys are equal addresses and only NULL has key 0. The key
/// does not look like an address either: kmemleak shall not take the table for an owner of fences.
fn key(address: u64) -> u64 {
    address.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A set of fences.
///
/// # Invariants
///
/// There are `SLOTS` slots.
pub(crate) struct Table {
    slots: KVVec<Slot>,
}

impl Table {
    pub(crate) fn new() -> Result<Self> {
        let mut slots = KVVec::with_capacity(SLOTS, GFP_KERNEL)?;
        for _ in 0..SLOTS {
            slots.push(Slot::free(), GFP_KERNEL)?;
        }
        // INVARIANT: So many were pushed.
        Ok(Self { slots })
    }

    /// Adds `fence`; false if all its places are taken.
    ///
    /// A fence whose memory was freed behind the core's back may still be in the table at the same
    /// address. It can never be seen again, and the new one takes its place.
    pub(crate) fn insert(&self, fence: &Fence) -> bool {
        let key = key(fence.address);
        let of_old = || self.places(key).find(|slot| slot.key.load(Relaxed) == key);
        let free = || self.places(key).find(|slot| slot.take(key));
        let place = of_old().or_else(free);
        place.inspect(|slot| slot.name(fence)).is_some()
    }

    /// Whether `fence` is in the table.
    pub(crate) fn contains(&self, fence: &Fence) -> bool {
        self.place_of(fence).is_some()
    }

    /// Removes `fence`; false if it was not there.
    pub(crate) fn remove(&self, fence: &Fence) -> bool {
        let place = self.place_of(fence);
        place.inspect(|slot| slot.key.store(0, Release)).is_some()
    }

    fn place_of(&self, fence: &Fence) -> Option<&Slot> {
        self.places(key(fence.address))
            .find(|slot| slot.is_of(fence))
    }

    /// All the places that a fence with this key may have: two rows, so that the first being full
    /// says little about the second.
    fn places(&self, key: u64) -> impl Iterator<Item = &Slot> {
        let row = |shift: u32| (key >> shift) as usize % ROWS * ROW;
        let rows = [row(u64::BITS - BITS), row(u64::BITS - 2 * BITS)];
        rows.into_iter()
            .flat_map(|start| self.slots[start..start + ROW].iter())
    }
}
