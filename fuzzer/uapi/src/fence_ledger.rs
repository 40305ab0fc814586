//! `module/include/fence_ledger.h`: the ring in which the kernel records what happens to release fences.

use std::mem::{offset_of, size_of};

/// `FENCE_LEDGER_MAGIC`
pub const MAGIC: u32 = 0x4c44_4746;
/// `FENCE_LEDGER_VERSION`
pub const VERSION: u32 = 3;
/// `FENCE_LEDGER_F_HARDIRQ`
pub const F_HARDIRQ: u16 = 0x1;
/// `FENCE_LEDGER_F_IRQS_OFF`
pub const F_IRQS_OFF: u16 = 0x2;
/// `FENCE_LEDGER_LOST`
pub const LOST: u16 = 0;
/// `FENCE_LEDGER_ATTACH`
pub const ATTACH: u16 = 2;
/// `FENCE_LEDGER_QUEUE`
pub const QUEUE: u16 = 5;
/// `FENCE_LEDGER_DONE`
pub const DONE: u16 = 6;
/// `FENCE_LEDGER_JOB`
pub const JOB: u16 = 7;
/// `FENCE_LEDGER_PHASE_START`, in the value of a job's record.
pub const PHASE_START: u32 = 1;
/// `VB2_BUF_STATE_DONE`, in the value of a record of a buffer that is given back.
pub const STATE_DONE: u32 = 5;

/// `struct fence_ledger_header`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub magic: u32,
    pub version: u32,
    pub record_size: u32,
    pub capacity: u32,
    pub records_offset: u64,
    pub head: u64,
    pub untracked: u64,
    pub inits: u64,
    pub attaches: u64,
    pub signals: u64,
    pub destroys: u64,
    pub lost: u64,
}

/// `struct fence_ledger_record`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub seq: u64,
    pub time_ns: u64,
    pub kind: u16,
    pub flags: u16,
    pub error: i32,
    pub context: u64,
    pub seqno: u64,
    pub queue: u64,
    pub buffer_type: u32,
    pub index: u32,
    pub plane: u32,
    pub value: u32,
    pub resv: u64,
}

// What the C header and the module's Rust part assert as well.
const _: () = assert!(size_of::<Header>() == 80);
const _: () = assert!(offset_of!(Header, head) == 24);
const _: () = assert!(offset_of!(Header, lost) == 72);
const _: () = assert!(size_of::<Record>() == 72);
const _: () = assert!(offset_of!(Record, kind) == 16);
const _: () = assert!(offset_of!(Record, queue) == 40);
const _: () = assert!(offset_of!(Record, resv) == 64);

/// Words of a [`Header`].
pub const HEADER_WORDS: usize = size_of::<Header>() / 8;
/// Words of a [`Record`].
pub const RECORD_WORDS: usize = size_of::<Record>() / 8;
/// Index of [`Header::head`] in the header's words.
pub const HEAD_WORD: usize = offset_of!(Header, head) / 8;

impl Header {
    /// The header whose words these are.
    pub fn from_words(words: [u64; HEADER_WORDS]) -> Self {
        // SAFETY: the fields leave no gaps, and any bytes are a value of each.
        unsafe { std::mem::transmute(words) }
    }
}

impl Record {
    /// The record whose words these are.
    pub fn from_words(words: [u64; RECORD_WORDS]) -> Self {
        // SAFETY: the fields leave no gaps, and any bytes are a value of each.
        unsafe { std::mem::transmute(words) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_where_the_header_puts_them() {
        let third = 3 | 1 << 16 | 0xffff_fff3 << 32;
        let words = [7, 1000, third, 42, 9, 0xabc, 1 | 2 << 32, 5 << 32, 0xdef];
        let record = Record::from_words(words);
        let head = (record.seq, record.time_ns, record.kind, record.flags);
        assert_eq!(head, (7, 1000, 3, 1));
        assert_eq!((record.error, record.context, record.seqno), (-13, 42, 9));
        let buffer = (record.queue, record.buffer_type, record.index);
        assert_eq!(buffer, (0xabc, 1, 2));
        assert_eq!((record.plane, record.value, record.resv), (0, 5, 0xdef));
    }
}
