//! Video files, and which ledger queue number belongs to which file and queue.
//!
//! The ledger names a `vb2_queue` by a number. A buffer reaches the driver only in QBUF and STREAMON, so the first `Queue`
//! record during such a call tells whose queue it is. When two calls may have made the record, the number stays unknown.

use std::collections::{HashMap, HashSet};

use program::{Op, Queue};

/// A queue of one opening of a file slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) file: u8,
    pub(crate) opening: u32,
    pub(crate) queue: Queue,
}

/// The file and queue that a video call names.
pub(crate) fn target(op: &Op) -> Option<(u8, Option<Queue>)> {
    Some((op.file()?.0, op.queue()))
}

/// The queue whose buffers this call may hand to the driver.
pub(super) fn feeds(op: &Op) -> Option<(u8, Queue)> {
    match op {
        Op::Qbuf { file, queue, .. } | Op::Streamon { file, queue } => Some((file.0, *queue)),
        _ => None,
    }
}

/// The open files and the queue numbers that are known.
#[derive(Default)]
pub(crate) struct Places {
    open: HashMap<u8, u32>,
    openings: u32,
    owners: HashMap<u32, Place>,
    numbers: HashMap<Place, u32>,
}

impl Places {
    pub(super) fn open(&mut self, file: u8) {
        self.openings += 1;
        self.open.insert(file, self.openings);
    }

    /// Closes a slot and tells which places went with it. The addresses of their queues may be used again, so their numbers
    /// are forgotten.
    pub(super) fn close(&mut self, file: u8) -> Vec<Place> {
        let Some(opening) = self.open.remove(&file) else {
            return Vec::new();
        };
        let places = [Queue::Output, Queue::Capture].map(|queue| Place {
            file,
            opening,
            queue,
        });
        self.owners.retain(|_, owner| !places.contains(owner));
        self.numbers.retain(|place, _| !places.contains(place));
        places.into()
    }

    /// The slots in use, ascending.
    pub(super) fn open_files(&self) -> Vec<u8> {
        let mut files: Vec<u8> = self.open.keys().copied().collect();
        files.sort_unstable();
        files
    }

    /// The number of the slot's opening; 0 if it is closed.
    pub(super) fn opening(&self, file: u8) -> u32 {
        self.open.get(&file).copied().unwrap_or(0)
    }

    pub(crate) fn place(&self, file: u8, queue: Queue) -> Option<Place> {
        self.open.get(&file).map(|&opening| Place {
            file,
            opening,
            queue,
        })
    }

    /// Both queues of an open file.
    pub(crate) fn places(&self, file: u8) -> impl Iterator<Item = Place> {
        [Queue::Output, Queue::Capture]
            .into_iter()
            .filter_map(move |queue| self.place(file, queue))
    }

    pub(crate) fn owner(&self, number: u32) -> Option<Place> {
        self.owners.get(&number).copied()
    }

    pub(crate) fn number(&self, place: Place) -> Option<u32> {
        self.numbers.get(&place).copied()
    }

    /// Learns from a `Queue` record whose queue this is, given the queues that the operations may feed that run just now.
    pub(super) fn learn(
        &mut self,
        number: u32,
        output: bool,
        fed: impl Iterator<Item = (u8, Queue)>,
    ) {
        if self.owners.contains_key(&number) {
            return;
        }
        let fitting = fed.filter(|(_, q)| (*q == Queue::Output) == output);
        let places: HashSet<Place> = fitting
            .filter_map(|(file, queue)| self.place(file, queue))
            .filter(|place| !self.numbers.contains_key(place))
            .collect();
        if let [place] = places.into_iter().collect::<Vec<_>>()[..] {
            self.owners.insert(number, place);
            self.numbers.insert(place, number);
        }
    }
}
