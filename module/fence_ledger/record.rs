// SPDX-License-Identifier: GPL-2.0

//! Records and the header of the mapping, as user space sees them.
//!
//! C header: `module/include/fence_ledger.h`, which is the ABI and says what each field means.

use crate::shim::{Buffer, Fence, Plane};
use core::mem::{offset_of, transmute};
use kernel::sync::atomic::{Atomic, Relaxed};

pub(crate) const MAGIC: u32 = 0x4c44_4746;
pub(crate) const VERSION: u32 = 3;

/// `FENCE_LEDGER_F_HARDIRQ`.
pub(crate) const F_HARDIRQ: u16 = 0x1;
/// `FENCE_LEDGER_F_IRQS_OFF`.
pub(crate) const F_IRQS_OFF: u16 = 0x2;

/// `FENCE_LEDGER_SEQ_BUSY`.
pub(crate) const SEQ_BUSY: u64 = 1 << 63;

/// `struct fence_ledger_header`.
#[repr(C)]
pub(crate) struct Header {
    magic: u32,
    version: u32,
    record_size: u32,
    capacity: u32,
    records_offset: u64,
    pub(crate) head: Atomic<u64>,
    pub(crate) untracked: Atomic<u64>,
    pub(crate) inits: Atomic<u64>,
    pub(crate) attaches: Atomic<u64>,
    pub(crate) signals: Atomic<u64>,
    pub(crate) destroys: Atomic<u64>,
    pub(crate) lost: Atomic<u64>,
}

impl Header {
    /// The header of an empty ring of so many records, which begins so many bytes behind it.
    pub(crate) fn new(capacity: u32, records_offset: u64) -> Self {
        Self {
            magic: MAGIC,
            version: VERSION,
            record_size: size_of::<Record>() as u32,
            capacity,
            records_offset,
            head: Atomic::new(0),
            untracked: Atomic::new(0),
            inits: Atomic::new(0),
            attaches: Atomic::new(0),
            signals: Atomic::new(0),
            destroys: Atomic::new(0),
            lost: Atomic::new(0),
        }
    }

    /// The total in which records of `kind` are counted, if there is one.
    pub(crate) fn total(&self, kind: Kind) -> Option<&Atomic<u64>> {
        match kind {
            Kind::Init => Some(&self.inits),
            Kind::Attach => Some(&self.attaches),
            Kind::Signal => Some(&self.signals),
            Kind::Destroy => Some(&self.destroys),
            Kind::Queue
            | Kind::Done
            | Kind::Job
            | Kind::Again
            | Kind::Userptr
            | Kind::Lost => None,
        }
    }

    /// Fences that are followed now.
    pub(crate) fn live(&self) -> u64 {
        // Destructions first: their initialisations have been counted before.
        let destroys = self.destroys.load(Relaxed);
        self.inits.load(Relaxed).saturating_sub(destroys)
    }
}

/// `enum fence_ledger_kind`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Kind {
    Lost = 0,
    Init = 1,
    Attach = 2,
    Signal = 3,
    Destroy = 4,
    Queue = 5,
    Done = 6,
    Job = 7,
    Again = 8,
    Userptr = 9,
}

impl Kind {
    /// The name in the text form.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Lost => "lost",
            Kind::Init => "init",
            Kind::Attach => "attach",
            Kind::Signal => "signal",
            Kind::Destroy => "destroy",
            Kind::Queue => "queue",
            Kind::Done => "done",
            Kind::Job => "job",
            Kind::Again => "again",
            Kind::Userptr => "userptr",
        }
    }
}

/// `struct fence_ledger_record`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    pub(crate) time_ns: u64,
    pub(crate) kind: Kind,
    pub(crate) flags: u16,
    pub(crate) error: i32,
    pub(crate) context: u64,
    pub(crate) seqno: u64,
    pub(crate) queue: u64,
    pub(crate) type_: u32,
    pub(crate) index: u32,
    pub(crate) plane: u32,
    pub(crate) value: u32,
    pub(crate) resv: u64,
}

/// Number of words of a record. The first is `seq`.
pub(crate) const WORDS: usize = size_of::<Record>() / size_of::<u64>();

/// A record's place in the ring, where several may write and read at a time.
pub(crate) type Words = [Atomic<u64>; WORDS];

const _: () = assert!(size_of::<Header>() == 80);
const _: () = assert!(offset_of!(Header, head) == 24);
const _: () = assert!(offset_of!(Header, lost) == 72);
const _: () = assert!(size_of::<Record>() == 72);
const _: () = assert!(offset_of!(Record, seq) == 0);
const _: () = assert!(offset_of!(Record, kind) == 16);
const _: () = assert!(offset_of!(Record, queue) == 40);
const _: () = assert!(offset_of!(Record, resv) == 64);

impl Record {
    /// A record of which only the kind is known; the ring adds number, time and flags.
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            seq: 0,
            time_ns: 0,
            kind,
            flags: 0,
            error: 0,
            context: 0,
            seqno: 0,
            queue: 0,
            type_: 0,
            index: 0,
            plane: 0,
            value: 0,
            resv: 0,
        }
    }

    /// The record as the ring stores it, word by word.
    pub(crate) fn to_words(self) -> [u64; WORDS] {
        // SAFETY: The fields leave no gaps, and any eight bytes are a word.
        unsafe { transmute(self) }
    }

    /// The record whose words these are.
    ///
    /// # Safety
    ///
    /// They must be what `to_words()` gave, but for the first.
    pub(crate) unsafe fn from_words(words: [u64; WORDS]) -> Self {
        // SAFETY: By the contract of this function the kind is one that exists; any number does for
        // the other fields.
        unsafe { transmute(words) }
    }

    /// A step in the life of `fence`.
    pub(crate) fn of_fence(kind: Kind, fence: &Fence) -> Self {
        Self {
            context: fence.context,
            seqno: fence.seqno,
            ..Self::new(kind)
        }
    }

    /// A step in the life of `buffer`.
    pub(crate) fn of_buffer(kind: Kind, buffer: &Buffer) -> Self {
        Self {
            queue: buffer.queue,
            type_: buffer.type_,
            index: buffer.index,
            ..Self::new(kind)
        }
    }

    /// `fence` was added to the reservation object of a plane of `buffer`.
    pub(crate) fn of_attach(buffer: &Buffer, plane: &Plane, fence: &Fence, usage: u32) -> Self {
        Self {
            context: fence.context,
            seqno: fence.seqno,
            plane: plane.index,
            value: usage,
            resv: plane.resv,
            ..Self::of_buffer(Kind::Attach, buffer)
        }
    }
}
