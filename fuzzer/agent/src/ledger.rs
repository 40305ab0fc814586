//! Reading `/dev/fence_ledger` through its mapping: no system call, no copy but of the records.

use anyhow::{Context, Result, ensure};
use nix::libc;

use crate::sys::fence_ledger::{
    HEAD_WORD, HEADER_WORDS, Header, LOST, MAGIC, RECORD_WORDS, VERSION,
};
use crate::sys::file;
use crate::sys::memory::Mapping;

pub(crate) use crate::sys::fence_ledger::Record as RawRecord;

/// What [`Ledger::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The next record.
    Record(RawRecord),
    /// So many records are gone: the reader lags more than a whole ring behind, or they were lost when they were written.
    Lost(u64),
}

/// The mapped ring and how far it has been read.
pub(crate) struct Ledger {
    ring: Mapping,
    first_word: usize,
    capacity: u64,
    tail: u64,
    begin: Header,
}

impl Ledger {
    /// Maps the device; `None` if the target has none.
    pub(crate) fn open() -> Result<Option<Self>> {
        let Ok(fd) = file::open(c"/dev/fence_ledger", libc::O_RDONLY) else {
            return Ok(None);
        };
        let ledger = Self::map(fd);
        // The mapping keeps the device open; its descriptor is of no more use.
        let _ = file::close(fd);
        ledger
            .context("/dev/fence_ledger: load the fence_ledger module of this tree")
            .map(Some)
    }

    fn map(fd: i32) -> Result<Self> {
        let mapping = Mapping::new(fd, HEADER_WORDS * 8, false).context("mmap of the header")?;
        let header = header(&mapping);
        let Header { magic, version, .. } = header;
        ensure!(
            magic == MAGIC && version == VERSION,
            "magic {magic:#x}, version {version}"
        );
        let (size, capacity) = (header.record_size as usize, header.capacity);
        ensure!(
            size == RECORD_WORDS * 8,
            "records of {size} bytes, not {}",
            RECORD_WORDS * 8
        );
        let offset = header.records_offset;
        ensure!(
            capacity.is_power_of_two() && offset.is_multiple_of(8),
            "malformed header"
        );
        let length = offset as usize + capacity as usize * size;
        let ring = Mapping::new(fd, length, false).context("mmap of the ring")?;
        let mut ledger = Self {
            ring,
            first_word: offset as usize / 8,
            capacity: capacity.into(),
            tail: 0,
            begin: header,
        };
        ledger.skip();
        Ok(ledger)
    }

    /// Forgets everything recorded so far.
    pub(crate) fn skip(&mut self) {
        self.begin = header(&self.ring);
        self.tail = self.head();
    }

    /// Records that the ring holds.
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// What has been counted since [`skip`](Self::skip).
    pub(crate) fn totals(&self) -> Totals {
        let (begin, now) = (&self.begin, header(&self.ring));
        Totals {
            records: now.head - begin.head,
            inits: now.inits - begin.inits,
            attaches: now.attaches - begin.attaches,
            signals: now.signals - begin.signals,
            destroys: now.destroys - begin.destroys,
            lost: now.lost - begin.lost,
            untracked: now.untracked - begin.untracked,
        }
    }

    /// Fences initialised since [`skip`](Self::skip) that still exist.
    pub(crate) fn alive(&self) -> u64 {
        let Totals {
            inits, destroys, ..
        } = self.totals();
        inits.saturating_sub(destroys)
    }

    /// Takes the next entry, if there is one.
    pub(crate) fn next(&mut self) -> Option<Entry> {
        let head = self.head();
        if self.tail == head {
            return None;
        }
        if let Some(lost) = self.overwritten(head) {
            return Some(lost);
        }
        let wanted = self.tail + 1;
        let first = self.first_word + (self.tail & (self.capacity - 1)) as usize * RECORD_WORDS;
        if self.ring.word_acquire(first) == wanted {
            let record =
                RawRecord::from_words(std::array::from_fn(|word| self.ring.word(first + word)));
            std::sync::atomic::fence(std::sync::atomic::Ordering::Acquire);
            if self.ring.word(first) == wanted {
                self.tail = wanted;
                return Some(match record.kind {
                    LOST => Entry::Lost(1),
                    _ => Entry::Record(record),
                });
            }
        }
        // Either somebody has overtaken the reader just now, or the record's writer has not finished.
        self.overwritten(self.head())
    }

    /// Steps over what is no longer in the ring, if there is such.
    fn overwritten(&mut self, head: u64) -> Option<Entry> {
        let lost = (head - self.tail).checked_sub(self.capacity)?;
        self.tail += lost;
        (lost > 0).then_some(Entry::Lost(lost))
    }

    fn head(&self) -> u64 {
        self.ring.word_acquire(HEAD_WORD)
    }
}

/// What the ledger counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Records, whether they are still in the ring or not.
    pub(crate) records: u64,
    /// Fences initialised.
    pub(crate) inits: u64,
    /// Planes that a fence was attached to.
    pub(crate) attaches: u64,
    /// Fences signalled.
    pub(crate) signals: u64,
    /// Fences destroyed.
    pub(crate) destroys: u64,
    /// Records that were lost when they were written.
    pub(crate) lost: u64,
    /// Fences that could not be followed.
    pub(crate) untracked: u64,
}

fn header(mapping: &Mapping) -> Header {
    Header::from_words(std::array::from_fn(|word| mapping.word(word)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use super::*;

    const CAPACITY: u64 = 4;
    const OFFSET: usize = 4096;

    /// A ring in a file, which the test writes as the kernel would.
    struct Ring {
        file: std::fs::File,
        memory: Mapping,
    }

    impl Ring {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!(
                "ledger-{}-{:?}",
                std::process::id(),
                std::thread::current().id()
            ));
            let mut file = std::fs::File::options()
                .create(true)
                .truncate(true)
                .read(true)
                .write(true)
                .open(&path)
                .expect("a file");
            let length = OFFSET + CAPACITY as usize * RECORD_WORDS * 8;
            file.write_all(&vec![0; length]).expect("room");
            std::fs::remove_file(path).expect("removable");
            let mut memory = Mapping::new(file.as_raw_fd(), length, true).expect("mapped");
            memory.set_word(0, u64::from(MAGIC) | u64::from(VERSION) << 32);
            memory.set_word(1, (RECORD_WORDS as u64 * 8) | CAPACITY << 32);
            memory.set_word(2, OFFSET as u64);
            Self { file, memory }
        }

        /// Stores the number of a record into its place, and that it is of this kind.
        fn put(&mut self, number: u64, seq: u64, kind: u16) {
            let first = OFFSET / 8 + (number % CAPACITY) as usize * RECORD_WORDS;
            self.memory.set_word(first, seq);
            self.memory.set_word(first + 2, kind.into());
            let head = self.memory.word(HEAD_WORD).max(number + 1);
            self.memory.set_word(HEAD_WORD, head);
        }

        fn write(&mut self, numbers: std::ops::Range<u64>) {
            numbers.for_each(|number| self.put(number, number + 1, 5));
        }

        fn reader(&self) -> Ledger {
            Ledger::map(self.file.as_raw_fd()).expect("a ring")
        }
    }

    fn seq(entry: Option<Entry>) -> u64 {
        match entry {
            Some(Entry::Record(record)) => record.seq,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reader_that_lags_is_told_how_many_records_it_missed() {
        let mut ring = Ring::new();
        let mut ledger = ring.reader();
        ring.write(0..2);
        assert_eq!((seq(ledger.next()), seq(ledger.next())), (1, 2));
        assert_eq!(ledger.next(), None);
        ring.write(2..9);
        assert_eq!(ledger.next(), Some(Entry::Lost(3)));
        assert_eq!(seq(ledger.next()), 6);
        let rest: Vec<u64> = (0..3).map(|_| seq(ledger.next())).collect();
        assert_eq!((rest, ledger.next()), (vec![7, 8, 9], None));
    }

    #[test]
    fn a_record_that_is_being_written_is_waited_for() {
        let mut ring = Ring::new();
        let mut ledger = ring.reader();
        ring.put(0, 1 << 63 | 1, 0);
        ring.put(1, 2, 5);
        assert_eq!(ledger.next(), None);
        ring.put(0, 1, 5);
        assert_eq!((seq(ledger.next()), seq(ledger.next())), (1, 2));
    }

    #[test]
    fn a_record_that_its_writer_lost_is_counted() {
        let mut ring = Ring::new();
        let mut ledger = ring.reader();
        ring.put(0, 1, LOST);
        ring.put(1, 2, 5);
        assert_eq!(ledger.next(), Some(Entry::Lost(1)));
        assert_eq!(seq(ledger.next()), 2);
    }

    #[test]
    fn another_version_is_refused() {
        let mut ring = Ring::new();
        ring.memory.set_word(0, u64::from(MAGIC) | 1 << 32);
        let error = Ledger::map(ring.file.as_raw_fd()).err().expect("refused");
        assert!(format!("{error:#}").contains("version 1"), "{error:#}");
    }
}
