//! Fences of software timelines. No driver makes or ends them but the program alone, and the ledger has no records of them:
//! what is known comes from the calls.

use std::collections::HashMap;

use super::span::{Moment, Span};

/// A fence of a software timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StrangerId(usize);

/// When a fence ends.
#[derive(Clone, Copy, Debug)]
struct End {
    /// It may have ended after this event.
    from: usize,
    /// It had certainly ended by then; none if that was never seen.
    until: Option<Moment>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Strangers {
    /// By number; none while nobody has tried to end it.
    ends: Vec<Option<End>>,
    /// The fence of the timeline of each sync_file slot.
    timelines: HashMap<u8, StrangerId>,
    /// What calls of other threads are about to end, by their operations.
    ending: HashMap<u16, StrangerId>,
}

impl Strangers {
    /// Whether there was ever one.
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether no call that could end it began before the span was over.
    pub(crate) fn unended_in(&self, id: StrangerId, span: &Span) -> bool {
        self.ends[id.0].is_none_or(|end| !span.may_follow(end.from))
    }

    /// Whether a call that ended it had returned when the span began.
    pub(crate) fn surely_ended(&self, id: StrangerId, span: &Span) -> bool {
        let until = self.ended(id);
        until.is_some_and(|until| until.index < span.began())
    }

    /// By when it had certainly ended, if it ever did.
    pub(crate) fn ended(&self, id: StrangerId) -> Option<Moment> {
        self.ends[id.0]?.until
    }

    /// A slot got a new timeline, which ended the fence of the old one. A call of another thread may be about to move one of
    /// the two, and keeps the old one open until it returns.
    pub(super) fn make(&mut self, slot: u8, span: &Span, moved: bool) -> StrangerId {
        let id = StrangerId(self.ends.len());
        self.ends.push(None);
        if let Some(old) = self.timelines.insert(slot, id) {
            self.end(old, span.began(), returned(span).filter(|_| !moved));
        }
        if moved {
            self.end(id, span.began(), None);
        }
        id
    }

    /// The slot's timeline was moved on.
    pub(super) fn signal(&mut self, slot: u8, span: &Span) {
        if let Some(id) = self.timelines.get(&slot) {
            self.end(*id, span.began(), returned(span));
        }
    }

    /// Another thread begins to move the slot's timeline on.
    pub(super) fn begin(&mut self, slot: u8, op: u16, event: usize) {
        if let Some(id) = self.timelines.get(&slot).copied() {
            self.end(id, event, None);
            self.ending.insert(op, id);
        }
    }

    /// It has done so.
    pub(super) fn finish(&mut self, op: u16, span: &Span) {
        if let Some(id) = self.ending.remove(&op) {
            self.end(id, span.began(), returned(span));
        }
    }

    /// Of several calls that end it the first counts.
    fn end(&mut self, id: StrangerId, from: usize, until: Option<Moment>) {
        let end = self.ends[id.0].get_or_insert(End { from, until });
        end.from = end.from.min(from);
        let untils = [end.until, until].into_iter().flatten();
        end.until = untils.min_by_key(|until| until.index);
    }
}

/// When a call had returned.
fn returned(span: &Span) -> Option<Moment> {
    let (index, time) = (span.event, span.end_time()?);
    Some(Moment { index, time })
}
