// SPDX-License-Identifier: GPL-2.0

//! Records and the header of the mapping, as user space sees them.
//!
//! C header: `module/include/fence_ledger.h`, which is the ABI and says what each field means.

use crate::shim::{Buffer, Fence};
use core::mem::offset_of;

pub(crate) const MAGIC: u32 = 0x4c44_4746;
pub(crate) const VERSION: u32 = 1;

/// `FENCE_LEDGER_F_ATOMIC`.
pub(crate) const F_ATOMIC: u16 = 0x1;

/// `struct fence_ledger_header`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) magic: u32,
    pub(crate) version: u32,
    pub(crate) record_size: u32,
    pub(crate) capacity: u32,
    pub(crate) records_offset: u64,
    pub(crate) head: u64,
    pub(crate) untracked: u64,
    pub(crate) inits: u64,
    pub(crate) attaches: u64,
    pub(crate) signals: u64,
    pub(crate) destroys: u64,
}

/// `enum fence_ledger_kind`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Kind {
    Init = 1,
    Attach = 2,
    Signal = 3,
    Destroy = 4,
    Queue = 5,
    Done = 6,
    Job = 7,
}

impl Kind {
    /// The name in the text form.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Init => "init",
            Kind::Attach => "attach",
            Kind::Signal => "signal",
            Kind::Destroy => "destroy",
            Kind::Queue => "queue",
            Kind::Done => "done",
            Kind::Job => "job",
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
}

const _: () = assert!(size_of::<Header>() == 72);
const _: () = assert!(offset_of!(Header, head) == 24);
const _: () = assert!(offset_of!(Header, destroys) == 64);
const _: () = assert!(size_of::<Record>() == 64);
const _: () = assert!(offset_of!(Record, kind) == 16);
const _: () = assert!(offset_of!(Record, queue) == 40);
const _: () = assert!(offset_of!(Record, value) == 60);

impl Record {
    /// A record of which only the kind is known; the ring adds number, time and flags.
    const fn new(kind: Kind) -> Self {
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
        }
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
    pub(crate) fn of_attach(buffer: &Buffer, plane: u32, fence: &Fence, usage: u32) -> Self {
        Self {
            context: fence.context,
            seqno: fence.seqno,
            plane,
            value: usage,
            ..Self::of_buffer(Kind::Attach, buffer)
        }
    }
}
