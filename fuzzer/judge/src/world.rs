//! A small model of the world that a trace tells of: files, queues, buffers, fences, memories and slots, and who knew what
//! when. Oracles ask it; it judges nothing itself.

pub(crate) mod buffer;
pub(crate) mod fence;
pub(crate) mod memory;
pub(crate) mod place;
mod replay;
pub(crate) mod request;
pub(crate) mod sight;
pub(crate) mod slot;
pub(crate) mod span;
pub(crate) mod stranger;

use std::collections::HashMap;

use program::{Access, Op, Program};
use trace::{Call, Event, FenceId, Mark, Trace};

use self::buffer::Buffers;
use self::fence::{Fence, Fences};
use self::memory::MemoryId;
use self::place::Place;
use self::sight::Sights;
use self::slot::ImportedFences;
use self::span::{Moment, Span, Timeline};
use self::stranger::Strangers;

/// `POLLIN`
pub(crate) const POLLIN: u16 = 1;
/// `POLLOUT`
pub(crate) const POLLOUT: u16 = 4;

/// A replayed trace.
pub(crate) struct World<'a> {
    pub(crate) program: &'a Program,
    pub(crate) trace: &'a Trace,
    timeline: Timeline,
    pub(crate) fences: Fences,
    pub(crate) buffers: Buffers,
    pub(crate) sights: Sights,
    pub(crate) imports: Vec<ImportedFences>,
    pub(crate) strangers: Strangers,
    /// Whose buffer the driver got, by the event that tells so, as far as known.
    pub(crate) takers: HashMap<usize, Place>,
}

impl<'a> World<'a> {
    /// Replays a trace of this program. Traces that no kernel would give are replayed as far as they make sense.
    pub(crate) fn replay(program: &'a Program, trace: &'a Trace) -> Self {
        replay::replay(program, trace)
    }

    /// When this stage was reached, if it was.
    pub(crate) fn mark(&self, wanted: Mark) -> Option<Moment> {
        self.trace
            .events
            .iter()
            .enumerate()
            .find_map(|(index, event)| match *event {
                Event::Mark { mark, time } if mark == wanted => Some(Moment { index, time }),
                _ => None,
            })
    }

    /// The operation of the main thread during which event `index` happened.
    pub(crate) fn op_at(&self, index: usize) -> Option<u16> {
        match self.trace.events.get(self.timeline.next_end(index)) {
            Some(Event::Call(call)) => Some(call.op),
            Some(_) => None,
            None => self.unfinished(),
        }
    }

    /// The operation that the trace breaks off in: the one after the last that was begun, unless the program had ended.
    fn unfinished(&self) -> Option<u16> {
        let begun = self.trace.events.iter().filter_map(|event| match event {
            Event::Call(Call { op, .. }) | Event::Begin { op, .. } => Some(*op),
            _ => None,
        });
        let next = begun.max()?.checked_add(1)?;
        (self.op(next).is_some() && self.mark(Mark::ProgramEnd).is_none()).then_some(next)
    }

    /// The index of the end of the main-thread operation, or the mark, that follows event `index`; the length of the trace if none
    /// does.
    pub(crate) fn end_after(&self, index: usize) -> usize {
        self.timeline.next_end(index)
    }

    /// Events before this index happened before the main-thread operation that ends with event `index`.
    pub(crate) fn opens(&self, index: usize) -> usize {
        self.timeline.opens(index)
    }

    /// The index of the second end of a main-thread operation after event `index`, if the trace goes that far: by then
    /// whatever the kernel did in one go around the event has been recorded.
    pub(crate) fn settled_after(&self, index: usize) -> Option<usize> {
        let first = self.timeline.next_end(index);
        let second = self.timeline.next_end(first);
        (second < self.trace.events.len()).then_some(second)
    }

    /// The operation with this number.
    pub(crate) fn op(&self, op: u16) -> Option<&'a Op> {
        self.program.steps.get(usize::from(op)).map(|step| &step.op)
    }

    /// The fences certainly pending on this memory all through the span.
    pub(crate) fn pending(&self, memory: MemoryId, span: &Span) -> impl Iterator<Item = &Fence> {
        self.fences
            .iter()
            .filter(move |fence| fence.pending_throughout(memory, span))
    }

    /// Whether a vb2 fence of this kind may be pending on this memory at some time of the span. Fences that the program
    /// imported count as both kinds.
    pub(crate) fn may_show(&self, memory: MemoryId, span: &Span, kinds: Kinds) -> bool {
        let own =
            |fence: &&Fence| kinds == Kinds::All || fence.is_write() || fence.attaches.is_empty();
        self.fences
            .iter()
            .filter(own)
            .any(|fence| fence.may_be_pending(memory, span))
            || self.imported(memory, span)
    }

    /// Whether this fence may show on this memory at some time of the span.
    pub(crate) fn may_name(&self, memory: MemoryId, span: &Span, id: FenceId) -> bool {
        let own = self
            .fences
            .get(id)
            .is_some_and(|fence| fence.may_be_pending(memory, span));
        own || self.imported(memory, span)
    }

    /// Whether a pending fence that the program imported may show.
    pub(crate) fn imported(&self, memory: MemoryId, span: &Span) -> bool {
        let here =
            |import: &&ImportedFences| import.may_be_on(memory) && span.may_follow(import.from);
        self.imports
            .iter()
            .filter(here)
            .any(|import| !self.surely_over(import, span))
    }

    /// Whether all of what was imported had certainly ended when the span began.
    fn surely_over(&self, import: &ImportedFences, span: &Span) -> bool {
        let fences = import.fences.as_ref();
        let ours = fences.is_some_and(|fences| {
            let mut fences = fences.iter();
            fences.all(|id| self.surely_signalled(*id, span))
        });
        let mut strangers = import.strangers.iter();
        ours && strangers.all(|id| self.strangers.surely_ended(*id, span))
    }

    fn surely_signalled(&self, id: FenceId, span: &Span) -> bool {
        self.fences
            .get(id)
            .is_some_and(|fence| fence.surely_signalled(span))
    }

    /// Whether any buffer of this memory was armed before the span ended.
    pub(crate) fn was_armed(&self, memory: MemoryId, span: &Span) -> bool {
        let here = |fence: &Fence| {
            let mut attaches = fence.attaches.iter();
            attaches.any(|attach| attach.memory == Some(memory) && span.may_cover(attach.at))
        };
        self.fences.iter().any(here)
    }
}

/// Which fences matter to an observer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// Only those of CAPTURE buffers: what a reader waits for.
    Write,
    /// All: what a writer waits for.
    All,
}

/// A reader waits for writers only.
impl From<Access> for Kinds {
    fn from(access: Access) -> Self {
        match access {
            Access::Read => Self::Write,
            Access::Write | Access::ReadWrite => Self::All,
        }
    }
}
