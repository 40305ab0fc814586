//! Reading `/dev/fence_ledger` (`module/include/fence_ledger.h`) through its mapping: no system call, no copy.

use anyhow::{Context, Result, ensure};
use nix::libc;

use crate::sys::file;
use crate::sys::memory::Mapping;

/// `FENCE_LEDGER_MAGIC`
const MAGIC: u32 = 0x4c44_4746;
/// `FENCE_LEDGER_VERSION`
const VERSION: u32 = 1;
/// Words of `struct fence_ledger_record`.
const RECORD_WORDS: usize = 8;
/// Bytes that surely hold `struct fence_ledger_header`.
const HEADER_BYTES: usize = 4096;

/// Index of a 64-bit word in `struct fence_ledger_header`.
#[derive(Clone, Copy)]
enum Header {
    MagicVersion = 0,
    SizeCapacity = 1,
    RecordsOffset = 2,
    Head = 3,
    Inits = 5,
    Destroys = 8,
}

/// `struct fence_ledger_record`, as it stands in the ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RawRecord {
    pub(crate) seq: u64,
    pub(crate) time_ns: u64,
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) error: i32,
    pub(crate) context: u64,
    pub(crate) seqno: u64,
    pub(crate) queue: u64,
    pub(crate) buffer_type: u32,
    pub(crate) index: u32,
    pub(crate) plane: u32,
    pub(crate) value: u32,
}

impl RawRecord {
    /// Takes the record's eight words apart.
    pub(crate) fn from_words(words: [u64; RECORD_WORDS]) -> Self {
        Self {
            seq: words[0],
            time_ns: words[1],
            kind: words[2] as u16,
            flags: (words[2] >> 16) as u16,
            error: (words[2] >> 32) as i32,
            context: words[3],
            seqno: words[4],
            queue: words[5],
            buffer_type: words[6] as u32,
            index: (words[6] >> 32) as u32,
            plane: words[7] as u32,
            value: (words[7] >> 32) as u32,
        }
    }
}

/// What [`Ledger::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The next record.
    Record(RawRecord),
    /// The ring overran: so many records are gone.
    Lost(u64),
}

/// The mapped ring and how far it has been read.
pub(crate) struct Ledger {
    ring: Mapping,
    first_word: usize,
    capacity: u64,
    tail: u64,
    inits: u64,
    destroys: u64,
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
        let header = Mapping::new(fd, HEADER_BYTES, false).context("mmap of the header")?;
        let (magic, version) = halves(header.word(Header::MagicVersion as usize));
        let (size, capacity) = halves(header.word(Header::SizeCapacity as usize));
        let offset = header.word(Header::RecordsOffset as usize);
        ensure!(
            magic == MAGIC && version == VERSION,
            "magic {magic:#x}, version {version}"
        );
        ensure!(
            size as usize == RECORD_WORDS * 8,
            "records of {size} bytes, not 64"
        );
        ensure!(
            capacity.is_power_of_two() && offset.is_multiple_of(8),
            "malformed header"
        );
        let length = offset as usize + capacity as usize * size as usize;
        let ring = Mapping::new(fd, length, false).context("mmap of the ring")?;
        let mut ledger = Self {
            ring,
            first_word: offset as usize / 8,
            capacity: capacity.into(),
            tail: 0,
            inits: 0,
            destroys: 0,
        };
        ledger.skip();
        Ok(ledger)
    }

    /// Forgets everything recorded so far.
    pub(crate) fn skip(&mut self) {
        self.tail = self.head();
        self.inits = self.ring.word(Header::Inits as usize);
        self.destroys = self.ring.word(Header::Destroys as usize);
    }

    /// Fences initialised since [`skip`](Self::skip) that still exist.
    pub(crate) fn alive(&self) -> u64 {
        let inits = self.ring.word(Header::Inits as usize) - self.inits;
        let destroys = self.ring.word(Header::Destroys as usize) - self.destroys;
        inits.saturating_sub(destroys)
    }

    /// Takes the next entry, if there is one.
    pub(crate) fn next(&mut self) -> Option<Entry> {
        let head = self.head();
        if self.tail == head {
            return None;
        }
        let behind = head - self.tail;
        if behind > self.capacity {
            let lost = behind - self.capacity;
            self.tail += lost;
            return Some(Entry::Lost(lost));
        }
        let record = self.read(self.tail);
        self.tail += 1;
        // A record that the writer is replacing carries another number: it was lost while we looked.
        Some(if record.seq == self.tail {
            Entry::Record(record)
        } else {
            Entry::Lost(1)
        })
    }

    fn head(&self) -> u64 {
        self.ring.word_acquire(Header::Head as usize)
    }

    fn read(&self, number: u64) -> RawRecord {
        let index = (number & (self.capacity - 1)) as usize;
        let first = self.first_word + index * RECORD_WORDS;
        RawRecord::from_words(std::array::from_fn(|word| self.ring.word(first + word)))
    }
}

/// The two 32-bit fields of a little-endian word, in memory order.
fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_fields_stand_where_the_header_puts_them() {
        let words = [
            7,
            1000,
            3 | 1 << 16 | (0xffff_fff3 << 32),
            42,
            9,
            0xabc,
            1 | 2 << 32,
            5 << 32,
        ];
        let record = RawRecord::from_words(words);
        assert_eq!(
            (record.seq, record.time_ns, record.kind, record.flags),
            (7, 1000, 3, 1)
        );
        assert_eq!((record.error, record.context, record.seqno), (-13, 42, 9));
        assert_eq!(
            (record.queue, record.buffer_type, record.index),
            (0xabc, 1, 2)
        );
        assert_eq!((record.plane, record.value), (0, 5));
    }
}
