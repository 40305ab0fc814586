//! Media requests: the buffers that each holds, and since when it is queued.

use std::collections::HashMap;

use program::{Op, Queue};
use trace::{Call, Out};

use super::memory::Slot;
use super::place::Places;
use super::span::Span;

/// `POLLPRI`, which says of a request that it is complete.
const POLLPRI: u16 = 2;

/// A poll that said that a request is complete.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    pub(crate) span: Span,
    /// The request's slot.
    pub(crate) request: u8,
    /// The OUTPUT buffers in it.
    pub(crate) buffers: Vec<Slot>,
    /// The event from which on they can have been given to the driver.
    pub(crate) queued: usize,
}

#[derive(Default)]
struct Held {
    buffers: Vec<Slot>,
    queued: Option<usize>,
}

/// The slots of requests.
#[derive(Default)]
pub(super) struct Requests {
    slots: HashMap<u8, Held>,
}

/// The request that a call names.
fn named(op: &Op) -> Option<u8> {
    let request = match op {
        Op::Qbuf { request, .. } => (*request)?,
        Op::AllocRequest { request, .. }
        | Op::CloseRequest { request }
        | Op::QueueRequest { request }
        | Op::ReinitRequest { request } => *request,
        _ => return None,
    };
    Some(request.0)
}

/// The file whose OUTPUT buffers a call takes out of all requests. Those that were queued are complete without a job, and the
/// buffers may be queued again while they are.
fn emptied(op: &Op) -> Option<u8> {
    match op {
        Op::Streamoff {
            file,
            queue: Queue::Output,
        }
        | Op::Reqbufs {
            file,
            queue: Queue::Output,
            ..
        }
        | Op::CloseFile { file } => Some(file.0),
        _ => None,
    }
}

impl Requests {
    fn empty(&mut self, op: &Op) {
        let Some(file) = emptied(op) else { return };
        for held in self.slots.values_mut() {
            held.buffers.retain(|(place, _)| place.file != file);
        }
    }

    /// A call in another thread: nobody knows when it takes effect.
    pub(super) fn doubt(&mut self, op: &Op) {
        self.empty(op);
        if let Some(request) = named(op) {
            self.slots.remove(&request);
        }
    }

    /// A call of the main thread. Tells if it saw a request complete.
    pub(super) fn call(
        &mut self,
        places: &Places,
        span: Span,
        op: &Op,
        call: &Call,
    ) -> Option<Completion> {
        if let (Op::PollRequest { request, .. }, Ok(Out::Polled { revents })) = (op, &call.result) {
            return self
                .complete(span, request.0)
                .filter(|_| revents & POLLPRI != 0);
        }
        self.empty(op);
        let request = named(op)?;
        let Ok(_) = call.result else {
            // A slot that could not be filled or closed holds what nobody knows.
            if matches!(op, Op::AllocRequest { .. } | Op::CloseRequest { .. }) {
                self.slots.remove(&request);
            }
            return None;
        };
        match *op {
            Op::AllocRequest { .. } | Op::ReinitRequest { .. } => {
                self.slots.insert(request, Held::default());
            }
            Op::CloseRequest { .. } => drop(self.slots.remove(&request)),
            Op::QueueRequest { .. } => {
                if let Some(held) = self.slots.get_mut(&request) {
                    held.queued = Some(span.began());
                }
            }
            Op::Qbuf {
                file, queue, index, ..
            } => {
                let place = places.place(file.0, queue);
                let output = place.filter(|_| queue == Queue::Output);
                if let (Some(held), Some(place)) = (self.slots.get_mut(&request), output) {
                    held.buffers.push((place, index));
                }
            }
            _ => {}
        }
        None
    }

    fn complete(&self, span: Span, request: u8) -> Option<Completion> {
        let held = self.slots.get(&request)?;
        Some(Completion {
            span,
            request,
            buffers: held.buffers.clone(),
            queued: held.queued?,
        })
    }
}
