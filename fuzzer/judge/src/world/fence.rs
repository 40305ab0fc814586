//! Fences: what the ledger recorded of each, and which buffer and memory each was attached to.

use std::collections::BTreeMap;

use trace::{BufferId, FenceId, Kind};

use super::memory::MemoryId;
use super::place::Place;
use super::span::{Moment, Span};

/// `enum dma_resv_usage`
pub(crate) const USAGE_WRITE: u32 = 1;
/// `enum dma_resv_usage`
pub(crate) const USAGE_READ: u32 = 2;

/// One attachment to a plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attach {
    pub(crate) at: Moment,
    pub(crate) buffer: BufferId,
    pub(crate) plane: u32,
    pub(crate) usage: u32,
    /// Number of the reservation object; 0 if the kernel does not tell.
    pub(crate) resv: u32,
    /// Whose buffer that was, if known.
    pub(crate) place: Option<Place>,
    /// The memory of that plane then, if known.
    pub(crate) memory: Option<MemoryId>,
}

/// One signal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal {
    pub(crate) at: Moment,
    pub(crate) error: i32,
}

/// Everything recorded of one fence.
#[derive(Clone, Debug)]
pub(crate) struct Fence {
    pub(crate) id: FenceId,
    pub(crate) inits: Vec<Moment>,
    pub(crate) attaches: Vec<Attach>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) destroys: Vec<Moment>,
    /// Calls that tried to signal it when it was.
    pub(crate) agains: Vec<Moment>,
}

impl Fence {
    fn new(id: FenceId) -> Self {
        let (inits, attaches, signals, destroys, agains) = Default::default();
        Self {
            id,
            inits,
            attaches,
            signals,
            destroys,
            agains,
        }
    }

    /// When it began in this run. Fences that an earlier run left behind have no beginning and are not judged.
    pub(crate) fn born(&self) -> Option<Moment> {
        self.inits.first().copied()
    }

    pub(crate) fn signal(&self) -> Option<Signal> {
        self.signals.first().copied()
    }

    /// Whether it is signalled before event `index`.
    pub(crate) fn signalled_before(&self, index: usize) -> bool {
        self.signals.iter().any(|signal| signal.at.index < index)
    }

    /// The first attachment to a buffer of memory `memory`, or of one that is not known.
    fn touches(&self, memory: MemoryId) -> impl Iterator<Item = &Attach> {
        self.attaches
            .iter()
            .filter(move |attach| attach.memory.is_none_or(|m| m == memory))
    }

    /// Whether it was certainly attached to this memory and pending from before the span's begin to its end.
    pub(crate) fn pending_throughout(&self, memory: MemoryId, span: &Span) -> bool {
        let certain = |a: &Attach| a.memory == Some(memory) && span.surely_after(a.at);
        self.attaches.iter().any(certain) && self.unsignalled_in(span)
    }

    /// Whether it may have been attached to this memory and pending at some time of the span. A fence whose attachment was
    /// not recorded may be anywhere.
    pub(crate) fn may_be_pending(&self, memory: MemoryId, span: &Span) -> bool {
        let unplaced = self.attaches.is_empty() && self.born().is_some_and(|at| span.may_cover(at));
        let here = || self.touches(memory).any(|attach| span.may_cover(attach.at));
        (unplaced || here()) && !self.surely_signalled(span)
    }

    /// Whether no signal can have come before the span's end.
    pub(crate) fn unsignalled_in(&self, span: &Span) -> bool {
        !self.signals.iter().any(|signal| span.may_cover(signal.at))
    }

    /// Whether it was certainly signalled when the span began.
    pub(crate) fn surely_signalled(&self, span: &Span) -> bool {
        self.signals
            .iter()
            .any(|signal| span.surely_after(signal.at))
    }

    /// Whether it is a CAPTURE buffer's, as far as it was attached at all.
    pub(crate) fn is_write(&self) -> bool {
        self.attaches.iter().any(|attach| !attach.buffer.output)
    }

    /// The buffer that it was attached to first.
    pub(crate) fn buffer(&self) -> Option<BufferId> {
        self.attaches.first().map(|attach| attach.buffer)
    }
}

/// All fences of a run.
#[derive(Default)]
pub(crate) struct Fences {
    by_id: BTreeMap<FenceId, Fence>,
}

impl Fences {
    pub(crate) fn get(&self, id: FenceId) -> Option<&Fence> {
        self.by_id.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Fence> {
        self.by_id.values()
    }

    /// Takes a record of a life event; attachments come through [`Fences::attach`].
    pub(super) fn record(&mut self, at: Moment, kind: &Kind) {
        match *kind {
            Kind::Init { fence } => self.entry(fence).inits.push(at),
            Kind::Signal { fence, error } => self.entry(fence).signals.push(Signal { at, error }),
            Kind::Destroy { fence } => self.entry(fence).destroys.push(at),
            Kind::Again { fence } => self.entry(fence).agains.push(at),
            _ => {}
        }
    }

    pub(super) fn attach(&mut self, id: FenceId, attach: Attach) {
        self.entry(id).attaches.push(attach);
    }

    fn entry(&mut self, id: FenceId) -> &mut Fence {
        self.by_id.entry(id).or_insert_with(|| Fence::new(id))
    }
}
