//! Memory of the agent itself that stands for buffers: of queues that were asked with memory of user space.

use nix::errno::Errno;
use program::{File, MAX_ALLOCATION, Memory, Queue};

use super::{BufferKey, Table};
use crate::sys::memory::Mapping;

/// `PAGE_SIZE`
const PAGE: usize = 4096;

/// Where a plane is, and its bytes, as QBUF tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) address: u64,
    pub(crate) length: u32,
}

/// A plane of a buffer, and what stands for it.
struct Lent {
    key: BufferKey,
    length: u32,
    pages: Mapping,
}

/// All such memory. What one buffer does not need any more another gets, also in later runs: pages that stay cost nothing.
#[derive(Default)]
pub(crate) struct OwnMemory {
    /// The queues that were asked with it: number of the open(2), and which.
    queues: Vec<(u32, Queue)>,
    lent: Vec<Lent>,
    spare: Vec<Mapping>,
}

impl OwnMemory {
    /// Takes all back.
    pub(super) fn reset(&mut self) {
        self.queues.clear();
        self.take_back(|_| true);
    }

    /// An open(2) is over.
    pub(super) fn forget(&mut self, serial: u32) {
        self.queues.retain(|(owner, _)| *owner != serial);
        self.take_back(|key| key.serial == serial);
    }

    /// Takes back what stood for these planes. Pages that the kernel still holds are its own until it lets go of them.
    pub(super) fn take_back(&mut self, gone: impl Fn(&BufferKey) -> bool) {
        let taken = self.lent.extract_if(.., |lent| gone(&lent.key));
        self.spare.extend(taken.map(|lent| lent.pages));
    }

    /// As many whole pages as a power of two, so that they fit again.
    fn pages(&mut self, length: u32) -> nix::Result<Mapping> {
        let bytes = (length as usize).max(PAGE).next_power_of_two();
        if let Some(fitting) = self.spare.iter().position(|pages| pages.length() == bytes) {
            return Ok(self.spare.swap_remove(fitting));
        }
        if self.held() + bytes > MAX_ALLOCATION as usize {
            self.spare.clear();
        }
        if self.held() + bytes > MAX_ALLOCATION as usize {
            return Err(Errno::ENOMEM);
        }
        Mapping::anonymous(bytes)
    }

    fn held(&self) -> usize {
        let lent = self.lent.iter().map(|lent| &lent.pages);
        lent.chain(&self.spare).map(Mapping::length).sum()
    }
}

impl Table {
    /// REQBUFS or CREATE_BUFS of such memory succeeded.
    pub(crate) fn asked_with(&mut self, file: File, queue: Queue, memory: Memory) {
        let Some(serial) = self.serial(file) else {
            return;
        };
        let queues = &mut self.own.queues;
        queues.retain(|known| *known != (serial, queue));
        if memory == Memory::Userptr {
            queues.push((serial, queue));
        }
    }

    /// Whether QBUF on this queue has to bring memory of the agent.
    pub(crate) fn has_own_memory(&self, file: File, queue: Queue) -> bool {
        let serial = self.serial(file);
        serial.is_some_and(|serial| self.own.queues.contains(&(serial, queue)))
    }

    /// What stands for the planes of a buffer, if that was settled.
    pub(crate) fn own_memory(&self, first: BufferKey) -> Vec<Piece> {
        let mine = self
            .own
            .lent
            .iter()
            .filter(|lent| lent.key.is_beside(&first));
        let piece = |lent: &Lent| Piece {
            address: lent.pages.address(),
            length: lent.length,
        };
        mine.map(piece).collect()
    }

    /// Settles what stands for the planes of a buffer, which have these lengths, unless another thread has.
    pub(crate) fn lend(&mut self, first: BufferKey, lengths: &[u32]) -> nix::Result<()> {
        if !self.own_memory(first).is_empty() {
            return Ok(());
        }
        let lent = self.lend_all(first, lengths);
        if lent.is_err() {
            self.own.take_back(|key| key.is_beside(&first));
        }
        lent
    }

    fn lend_all(&mut self, first: BufferKey, lengths: &[u32]) -> nix::Result<()> {
        for (plane, length) in (0..).zip(lengths) {
            let pages = self.own.pages(*length)?;
            self.own.lent.push(Lent {
                key: BufferKey { plane, ..first },
                length: *length,
                pages,
            });
        }
        Ok(())
    }

    /// The memory that stands for a plane, for stores.
    pub(crate) fn own_pages(&mut self, key: BufferKey) -> Option<&mut Mapping> {
        let mut lent = self.own.lent.iter_mut();
        let mine = lent.find(|lent| lent.key == key);
        mine.map(|lent| &mut lent.pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: File = File(0);

    fn key(index: u32) -> BufferKey {
        BufferKey {
            serial: 0,
            queue: Queue::Output,
            index,
            plane: 0,
        }
    }

    fn table() -> Table {
        let mut table = Table::new();
        table.set_file(FILE, 10, false);
        table.asked_with(FILE, Queue::Output, Memory::Userptr);
        table
    }

    #[test]
    fn a_buffer_keeps_its_pages_and_another_gets_them_later() {
        let mut table = table();
        table.lend(key(0), &[5000, 16]).unwrap();
        let first = table.own_memory(key(0));
        assert_eq!(first.len(), 2);
        assert_eq!((first[0].length, first[1].length), (5000, 16));
        assert!(first.iter().all(|piece| piece.address % 4096 == 0));
        assert_eq!(table.own_memory(key(0)), first);
        table.buffers_freed(FILE, Queue::Output, 0..u32::MAX);
        assert!(table.own_memory(key(0)).is_empty());
        table.lend(key(1), &[8192]).unwrap();
        assert_eq!(table.own_memory(key(1))[0].address, first[0].address);
    }

    #[test]
    fn a_queue_is_asked_with_one_sort_of_memory() {
        let mut table = table();
        assert!(table.has_own_memory(FILE, Queue::Output));
        assert!(!table.has_own_memory(FILE, Queue::Capture));
        table.asked_with(FILE, Queue::Output, Memory::Mmap);
        assert!(!table.has_own_memory(FILE, Queue::Output));
        table.asked_with(FILE, Queue::Output, Memory::Userptr);
        table.take_file(FILE);
        table.set_file(FILE, 10, false);
        assert!(!table.has_own_memory(FILE, Queue::Output));
    }

    #[test]
    fn more_than_a_target_has_is_refused() {
        let mut table = table();
        let most = table.lend(key(0), &[MAX_ALLOCATION]);
        assert_eq!(most, Ok(()));
        assert_eq!(table.lend(key(1), &[1]), Err(Errno::ENOMEM));
        table.buffers_freed(FILE, Queue::Output, 0..1);
        assert_eq!(table.lend(key(1), &[1]), Ok(()));
    }
}
