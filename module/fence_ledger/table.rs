// SPDX-License-Identifier: GPL-2.0

//! The live fences that the ledger follows.
//!
//! A signalled fence has lost its operations, and with them the driver name that says whose it
//! is. So whoever is to be recognised at its signal and its destruction is written down at its
//! initialisation. The table has a fixed size: no probe may allocate.

use crate::shim::Fence;
use kernel::{
    prelude::*,
    sizes::SZ_8K, //
};
use pin_init::Zeroable;

/// At most this many fences are followed at a time.
pub(crate) const MAX_FENCES: usize = SZ_8K;

const BITS: u32 = (2 * MAX_FENCES).ilog2();
const SLOTS: usize = 1 << BITS;
const MASK: usize = SLOTS - 1;

// A search ends at an empty slot.
const _: () = assert!(SLOTS > MAX_FENCES);

/// A followed fence, or an empty slot if `key` is 0.
#[derive(Clone, Copy, Zeroable)]
struct Slot {
    key: u64,
    context: u64,
    seqno: u64,
}

const EMPTY: Slot = Slot {
    key: 0,
    context: 0,
    seqno: 0,
};

impl Slot {
    fn of(fence: &Fence) -> Self {
        Self {
            key: key(fence.address),
            context: fence.context,
            seqno: fence.seqno,
        }
    }

    /// Where a search for the fence begins.
    fn home(&self) -> usize {
        (self.key >> (u64::BITS - BITS)) as usize
    }
}

/// Spreads addresses over the slots.
///
/// An odd factor loses nothing, so equal keys are equal addresses and only NULL has key 0. The key
/// does not look like an address either: kmemleak shall not take the table for an owner of fences.
fn key(address: u64) -> u64 {
    address.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// An open-addressed hash set of fences.
///
/// # Invariants
///
/// `len` slots are in use, at most `MAX_FENCES`, and no slot between a fence's home and its place
/// is empty.
pub(crate) struct Table {
    slots: VBox<[Slot; SLOTS]>,
    len: usize,
}

impl Table {
    pub(crate) fn new() -> Result<Self> {
        // INVARIANT: All slots are empty.
        Ok(Self {
            slots: VBox::init(pin_init::init_zeroed(), GFP_KERNEL)?,
            len: 0,
        })
    }

    /// The number of fences in the table.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds `fence`; false if the table is full.
    ///
    /// A fence whose memory was freed behind the core's back may still be in the table at the same
    /// address. It can never be seen again, and the new one takes its slot.
    pub(crate) fn insert(&mut self, fence: &Fence) -> bool {
        let slot = Slot::of(fence);
        let place = self.search(slot.key);
        if self.slots[place].key == 0 {
            if self.len == MAX_FENCES {
                return false;
            }
            self.len += 1;
        }
        // INVARIANT: `place` is the slot of this key or the first empty one from its home on.
        self.slots[place] = slot;
        true
    }

    /// Whether `fence` is in the table.
    pub(crate) fn contains(&self, fence: &Fence) -> bool {
        self.place_of(fence).is_some()
    }

    /// Removes `fence`; false if it was not there.
    pub(crate) fn remove(&mut self, fence: &Fence) -> bool {
        let Some(place) = self.place_of(fence) else {
            return false;
        };
        self.vacate(place);
        self.len -= 1;
        true
    }

    /// The slot of `fence`, told by context and seqno from a fence that reuses an address.
    fn place_of(&self, fence: &Fence) -> Option<usize> {
        let place = self.search(key(fence.address));
        let slot = &self.slots[place];
        (slot.key != 0 && slot.context == fence.context && slot.seqno == fence.seqno)
            .then_some(place)
    }

    /// The slot with `key`, or the empty slot where it belongs.
    fn search(&self, key: u64) -> usize {
        let mut place = Slot { key, ..EMPTY }.home();
        while self.slots[place].key != key && self.slots[place].key != 0 {
            place = (place + 1) & MASK;
        }
        place
    }

    /// Empties the slot `hole`, and moves up what would no longer be found behind it.
    fn vacate(&mut self, mut hole: usize) {
        let mut place = (hole + 1) & MASK;
        while self.slots[place].key != 0 {
            let slot = self.slots[place];
            let from_home = place.wrapping_sub(slot.home()) & MASK;
            let from_hole = place.wrapping_sub(hole) & MASK;
            if from_home >= from_hole {
                self.slots[hole] = slot;
                hole = place;
            }
            place = (place + 1) & MASK;
        }
        // INVARIANT: Each fence after the hole either has moved into it or has its home behind it.
        self.slots[hole] = EMPTY;
    }
}
