//! What the program and the agent saw of fences and buffers, each with the stretch of the trace that it took.

use program::{Access, OpKind};
use trace::{Content, FenceId, Looked, SyncInfo};

use super::memory::{Epoch, MemoryId, Write};
use super::place::Place;
use super::request::Completion;
use super::span::Span;
use super::stranger::StrangerId;

/// How a sync_file was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It was just exported from a dma-buf; none if its memory is not known.
    Export {
        memory: Option<MemoryId>,
        access: Access,
    },
    /// Later.
    Later,
}

/// The state of a sync_file.
#[derive(Clone, Debug)]
pub(crate) struct SyncSight {
    pub(crate) span: Span,
    pub(crate) slot: u8,
    pub(crate) info: SyncInfo,
    /// The fences in it that were pending when it was made, if known, and if there are but drivers' fences in it.
    pub(crate) fences: Option<Vec<FenceId>>,
    /// The fences of software timelines that are known to be in it.
    pub(crate) strangers: Vec<StrangerId>,
    pub(crate) source: Source,
}

impl SyncSight {
    /// The memory and the direction for which it was just exported, if that is known.
    pub(crate) fn exported(&self) -> Option<(MemoryId, Access)> {
        match self.source {
            Source::Export { memory, access } => Some((memory?, access)),
            Source::Later => None,
        }
    }
}

/// A poll on a dma-buf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PollSight {
    pub(crate) span: Span,
    pub(crate) slot: u8,
    pub(crate) memory: MemoryId,
    /// `POLLIN` and `POLLOUT`, as far as asked for.
    pub(crate) events: u16,
    pub(crate) revents: u16,
}

/// What a memory was looked at through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Through {
    /// The dma-buf in that slot.
    Dmabuf(u8),
    /// The mapping in that slot.
    Map(u8),
}

impl std::fmt::Display for Through {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dmabuf(slot) => write!(f, "d{slot}"),
            Self::Map(slot) => write!(f, "m{slot}"),
        }
    }
}

/// The content of a memory that nobody was writing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContentSight {
    pub(crate) span: Span,
    pub(crate) through: Through,
    pub(crate) memory: MemoryId,
    pub(crate) content: Content,
    pub(crate) epoch: Epoch,
    /// The job that wrote it last, if one did and it is known.
    pub(crate) write: Option<Write>,
}

/// A DQBUF that returned a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dequeue {
    pub(crate) span: Span,
    pub(crate) buffer: trace::BufferId,
    pub(crate) flags: u32,
}

/// A call after whose return the queue may not have a pending fence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    pub(crate) span: Span,
    pub(crate) place: Place,
    /// No other call on the file ran meanwhile, so nothing can have been armed again.
    pub(crate) alone: bool,
}

/// Buffers that REMOVE_BUFS took away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Removal {
    pub(crate) span: Span,
    pub(crate) place: Place,
    pub(crate) index: u32,
    pub(crate) count: u32,
}

/// A memory whose buffer went, so that it belongs to its exports alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orphan {
    /// The event that tells so.
    pub(crate) event: usize,
    pub(crate) memory: MemoryId,
}

/// A look at, or call on, a live descriptor that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) event: usize,
    pub(crate) op: Option<u16>,
    pub(crate) what: Looked,
    pub(crate) slot: u8,
    pub(crate) errno: i32,
}

/// How many more dma-bufs and references to modules there are at the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) event: usize,
    pub(crate) dmabufs: i32,
    pub(crate) users: i32,
}

/// The driver could not be unloaded although nothing of it was open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unload {
    pub(crate) event: usize,
    pub(crate) op: u16,
    pub(crate) errno: i32,
}

/// A wait for a sync_file that timed out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeout {
    pub(crate) span: Span,
    pub(crate) slot: u8,
    /// It may have waited for what only the program ends.
    pub(crate) foreign: bool,
}

/// The beginning of a CPU access, which waits for fences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) span: Span,
    pub(crate) slot: u8,
    pub(crate) memory: Option<MemoryId>,
}

/// A call that must end by itself and did not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hung {
    pub(crate) event: usize,
    pub(crate) op: u16,
    /// Which; none for the closing that follows the program.
    pub(crate) what: Option<OpKind>,
}

/// Everything seen.
#[derive(Default)]
pub(crate) struct Sights {
    pub(crate) syncs: Vec<SyncSight>,
    pub(crate) polls: Vec<PollSight>,
    pub(crate) contents: Vec<ContentSight>,
    pub(crate) dequeues: Vec<Dequeue>,
    pub(crate) drains: Vec<Drain>,
    pub(crate) removals: Vec<Removal>,
    pub(crate) orphans: Vec<Orphan>,
    pub(crate) completions: Vec<Completion>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) left: Vec<Left>,
    pub(crate) unloads: Vec<Unload>,
    pub(crate) timeouts: Vec<Timeout>,
    pub(crate) waits: Vec<Wait>,
    pub(crate) hung: Vec<Hung>,
}
