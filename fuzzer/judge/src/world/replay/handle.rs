//! What an operation names: the slots of a program that hold descriptors and mappings.

use program::{Dmabuf, File, Map, Op, Sync};

use super::super::place::target;

/// One slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Handle {
    File(File),
    Dmabuf(Dmabuf),
    Sync(Sync),
    Map(Map),
}

impl Handle {
    /// The slot that an operation empties first, whatever becomes of it then.
    pub(super) fn filled(op: &Op) -> Option<Self> {
        Some(match *op {
            Op::Open { file, .. } | Op::DupFile { file, .. } | Op::CloseFile { file } => {
                Self::File(file)
            }
            Op::Expbuf { dmabuf, .. }
            | Op::Allocate { dmabuf, .. }
            | Op::DupDmabuf { dmabuf, .. }
            | Op::CloseDmabuf { dmabuf } => Self::Dmabuf(dmabuf),
            Op::SwSync { sync }
            | Op::ExportSync { sync, .. }
            | Op::Merge { sync, .. }
            | Op::DupSync { sync, .. }
            | Op::CloseSync { sync } => Self::Sync(sync),
            Op::MmapFile { map, .. } | Op::MmapDmabuf { map, .. } | Op::Munmap { map } => {
                Self::Map(map)
            }
            _ => return None,
        })
    }

    /// Whether the operation looks at what is in the slot.
    pub(super) fn is_named(self, op: &Op) -> bool {
        match self {
            Self::File(file) => target(op).is_some_and(|(named, _)| named == file.0),
            Self::Dmabuf(slot) => dmabuf(op) == Some(slot),
            Self::Sync(slot) => sync(op) == Some(slot),
            Self::Map(slot) => matches!(*op, Op::Touch { map } if map == slot),
        }
    }
}

/// The dma-buf that an operation looks at or gives to a queue.
pub(super) fn dmabuf(op: &Op) -> Option<Dmabuf> {
    match *op {
        Op::PollDmabuf { dmabuf, .. } | Op::Check { dmabuf } | Op::CpuSync { dmabuf, .. } => {
            Some(dmabuf)
        }
        Op::Qbuf { dmabuf, .. } | Op::PrepareBuf { dmabuf, .. } => dmabuf,
        _ => None,
    }
}

/// The sync_file that an operation looks at.
pub(super) fn sync(op: &Op) -> Option<Sync> {
    match *op {
        Op::PollSync { sync, .. } | Op::FileInfo { sync } | Op::SetDeadline { sync, .. } => {
            Some(sync)
        }
        _ => None,
    }
}
