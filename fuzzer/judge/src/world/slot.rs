//! The program's dma-buf and sync_file slots: what is behind each.

use std::collections::HashMap;

use program::Access;
use trace::{FenceId, SyncInfo};

use super::memory::MemoryId;
use super::stranger::StrangerId;

/// A sync_file.
#[derive(Clone, Debug, Default)]
pub(crate) struct SyncFile {
    /// Its fences that were pending when it was made, if they are known.
    pub(crate) fences: Option<Vec<FenceId>>,
    /// Beside them, fences of software timelines.
    pub(crate) strangers: Vec<StrangerId>,
}

impl SyncFile {
    /// One of drivers' fences alone, as far as they are known.
    pub(super) fn of(fences: Option<Vec<FenceId>>) -> Self {
        let strangers = Vec::new();
        Self { fences, strangers }
    }

    /// Its fences, if it has but drivers'.
    pub(super) fn own(&self) -> Option<Vec<FenceId>> {
        let all = self.fences.clone();
        all.filter(|_| self.strangers.is_empty())
    }
}

/// What is in a slot.
#[derive(Clone, Debug)]
enum Held<T> {
    /// A descriptor.
    Live(T),
    /// A call failed that would have replaced or closed it.
    Unsure,
}

/// The slots of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Slots<T> {
    held: HashMap<u8, Held<T>>,
    versions: HashMap<u8, u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            held: HashMap::new(),
            versions: HashMap::new(),
        }
    }
}

impl<T: Clone> Slots<T> {
    /// What is in the slot, if that is certain.
    pub(crate) fn get(&self, slot: u8) -> Option<&T> {
        match self.held.get(&slot)? {
            Held::Live(value) => Some(value),
            Held::Unsure => None,
        }
    }

    /// A number that changes whenever a call tried to change the slot.
    pub(super) fn version(&self, slot: u8) -> u32 {
        self.versions.get(&slot).copied().unwrap_or(0)
    }

    fn renew(&mut self, slot: u8) {
        *self.versions.entry(slot).or_default() += 1;
    }

    /// A call tried to fill the slot.
    pub(super) fn fill(&mut self, slot: u8, value: Option<T>) {
        self.renew(slot);
        match value {
            Some(value) => {
                self.held.insert(slot, Held::Live(value));
            }
            None => self.doubt(slot),
        }
    }

    /// A call tried to close the slot.
    pub(super) fn close(&mut self, slot: u8, closed: bool) {
        self.renew(slot);
        if closed {
            self.held.remove(&slot);
        } else {
            self.doubt(slot);
        }
    }

    fn doubt(&mut self, slot: u8) {
        if let Some(held) = self.held.get_mut(&slot) {
            *held = Held::Unsure;
        }
    }
}

/// The fences that were pending when this was seen, if it tells: none, or one by name. A merged one tells only how many.
pub(crate) fn pending(info: &SyncInfo) -> Option<Vec<FenceId>> {
    match info.fences[..] {
        _ if info.status == 1 => Some(Vec::new()),
        [ref fence] if fence.status != 0 => Some(Vec::new()),
        [ref fence] => fence.id.map(|id| vec![id]),
        _ => None,
    }
}

/// Fences that a program put into a reservation object itself.
#[derive(Clone, Debug)]
pub(crate) struct ImportedFences {
    /// They can be there from this event on.
    pub(crate) from: usize,
    /// Where, if known.
    pub(crate) memory: Option<MemoryId>,
    /// As whose accesses.
    pub(crate) access: Access,
    /// Which, if known.
    pub(crate) fences: Option<Vec<FenceId>>,
    /// Beside them, fences of software timelines.
    pub(crate) strangers: Vec<StrangerId>,
}

impl ImportedFences {
    /// Whether they may be on this memory.
    pub(crate) fn may_be_on(&self, memory: MemoryId) -> bool {
        self.memory.is_none_or(|known| known == memory)
    }
}
