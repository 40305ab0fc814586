//! When things happened relative to each other, as far as a trace can tell.
//!
//! The ledger is drained after each operation of the main thread, so its order against those operations is known. An
//! `async` operation's [`Event::Call`] can stand later than its return; its own times decide then.

use program::Program;
use trace::{Call, Event, Record, Trace};

/// A point of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Index of the event.
    pub(crate) index: usize,
    /// Its time.
    pub(crate) time: u64,
}

impl Moment {
    pub(crate) fn of(index: usize, record: &Record) -> Self {
        Self {
            index,
            time: record.time,
        }
    }
}

/// The stretch of a trace during which a call or a look ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// The event that tells the outcome.
    pub(crate) event: usize,
    /// The operation; none for a look.
    pub(crate) op: Option<u16>,
    /// Records before this index happened before it began.
    begin: usize,
    /// Records before this index happened before it ended, or may have.
    end: usize,
    /// When it began and ended; a look's times are not recorded.
    times: Option<(u64, u64)>,
    asynchronous: bool,
}

impl Span {
    /// Whether this had certainly happened when the span began.
    pub(crate) fn surely_after(&self, moment: Moment) -> bool {
        moment.index < self.begin || self.times.is_some_and(|(start, _)| moment.time < start)
    }

    /// Whether this may have happened by the time the span ended.
    pub(crate) fn may_cover(&self, moment: Moment) -> bool {
        match self.times {
            Some((_, end)) if self.asynchronous => moment.time <= end,
            _ => moment.index < self.end,
        }
    }

    /// Whether this happened while the main thread was in it.
    pub(crate) fn surely_covers(&self, moment: Moment) -> bool {
        !self.asynchronous && (self.begin..self.end).contains(&moment.index)
    }

    /// The first event that may have happened after it began.
    pub(crate) fn began(&self) -> usize {
        self.begin
    }

    /// Whether it may have ended after event `index`.
    pub(crate) fn may_follow(&self, index: usize) -> bool {
        index < self.end || self.asynchronous
    }

    /// Whether another thread than the main one made it.
    pub(crate) fn is_async(&self) -> bool {
        self.asynchronous
    }

    /// When it ended, if that was recorded.
    pub(crate) fn end_time(&self) -> Option<u64> {
        self.times.map(|(_, end)| end)
    }

    /// How long it took.
    pub(crate) fn duration(&self) -> u64 {
        self.times
            .map_or(0, |(start, end)| end.saturating_sub(start))
    }
}

/// The order of a trace's events.
pub(crate) struct Timeline {
    /// For each event: the last event before it that the main thread made between two operations.
    previous: Vec<usize>,
    /// For each event: the next end of an operation of the main thread, or mark; the length of the trace if there is none.
    next: Vec<usize>,
    /// For each event: where the `async` operation that ends there began.
    begin: Vec<Option<usize>>,
}

/// Whether the program says that this operation is asynchronous.
pub(crate) fn is_async(program: &Program, op: u16) -> bool {
    program
        .steps
        .get(usize::from(op))
        .is_some_and(|step| step.asynchronous)
}

impl Timeline {
    pub(crate) fn new(program: &Program, trace: &Trace) -> Self {
        let events = &trace.events;
        let ends = |event: &Event| match event {
            Event::Call(call) => !is_async(program, call.op),
            Event::Mark { .. } => true,
            _ => false,
        };
        let mut previous = Vec::with_capacity(events.len());
        let mut last = 0;
        // A look belongs to the thread whose call it follows.
        let mut main = true;
        for (index, event) in events.iter().enumerate() {
            previous.push(last);
            main = match event {
                Event::Call(_) | Event::Mark { .. } => ends(event),
                _ => main,
            };
            let stands = match event {
                Event::Begin { .. } => true,
                Event::Look(_) => main,
                _ => ends(event),
            };
            last = if stands { index + 1 } else { last };
        }
        let mut next = vec![events.len(); events.len()];
        let mut following = events.len();
        for (index, event) in events.iter().enumerate().rev() {
            next[index] = following;
            following = if ends(event) { index } else { following };
        }
        Self {
            previous,
            next,
            begin: begins(program, events),
        }
    }

    /// Where the window of the main thread's event at `index` opens.
    pub(crate) fn opens(&self, index: usize) -> usize {
        self.previous[index]
    }

    /// The next end of a main-thread operation, or mark, after this index.
    pub(crate) fn next_end(&self, index: usize) -> usize {
        self.next.get(index).copied().unwrap_or(self.next.len())
    }

    pub(crate) fn call(&self, event: usize, call: &Call) -> Span {
        let begin = self.begin[event];
        Span {
            event,
            op: Some(call.op),
            begin: begin.unwrap_or(self.previous[event]),
            end: event,
            times: Some((call.start, call.end)),
            asynchronous: begin.is_some(),
        }
    }

    /// A look has no times, and the ledger is drained after it.
    pub(crate) fn look(&self, event: usize) -> Span {
        let (begin, end) = (self.previous[event], self.next[event]);
        Span {
            event,
            op: None,
            begin,
            end,
            times: None,
            asynchronous: false,
        }
    }

    /// The stretch before a mark.
    pub(crate) fn mark(&self, event: usize, time: u64) -> Span {
        let begin = self.previous[event];
        Span {
            event,
            op: None,
            begin,
            end: event,
            times: Some((time, time)),
            asynchronous: false,
        }
    }
}

/// For each `Call` of an `async` operation, the index of its `Begin`. A call whose `Begin` is missing may have begun at any
/// time.
fn begins(program: &Program, events: &[Event]) -> Vec<Option<usize>> {
    let mut begun = std::collections::HashMap::new();
    let mut begins = vec![None; events.len()];
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Begin { op, .. } => {
                begun.insert(*op, index);
            }
            Event::Call(call) if is_async(program, call.op) => {
                begins[index] = Some(begun.remove(&call.op).unwrap_or(0));
            }
            _ => {}
        }
    }
    begins
}
