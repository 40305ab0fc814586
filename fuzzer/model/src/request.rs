//! Media requests.
//!
//! C source: `mc-request.c`

use std::collections::BTreeMap;

use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::control::Values;
use crate::errno::{EBUSY, EINVAL, ENOENT};

/// Number of a request, in order of allocation.
pub(crate) type RequestId = usize;

/// `enum media_request_state`, as far as it can be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Idle,
    Queued,
    Complete,
    /// The model does not know.
    Unclear,
}

/// The controls of one file in a request: its `struct v4l2_ctrl_handler`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bound {
    /// What was put into the request, and when it is complete all of them.
    pub(crate) values: Values,
    /// `req_obj.completed`
    complete: bool,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Whether it is of the multi-planar converter: each node has a media device of its own.
    pub(crate) multi: bool,
    pub(crate) stage: Stage,
    /// The controls in it, by the file whose they are.
    pub(crate) controls: BTreeMap<u8, Bound>,
    /// It was queued, and its buffer came back.
    buffer_is_back: bool,
}

impl Request {
    /// An empty one.
    pub(crate) fn new(multi: bool) -> Self {
        Self {
            multi,
            stage: Stage::Idle,
            controls: BTreeMap::new(),
            buffer_is_back: false,
        }
    }

    /// Nothing is in it any more.
    pub(crate) fn empty(&mut self) {
        *self = Self::new(self.multi);
    }

    /// MEDIA_REQUEST_IOC_QUEUE, up to the question whether its buffers can be prepared; so many are in it.
    pub(crate) fn queue(&self, buffers: usize) -> Option<Guess> {
        match (self.stage, buffers) {
            (Stage::Unclear, _) => Some(unknown("in which state the request is")),
            (Stage::Queued | Stage::Complete, _) => Some(fails(
                EBUSY,
                "media_request_ioctl_queue() wants an idle request",
            )),
            (Stage::Idle, 0) => Some(fails(
                ENOENT,
                "vb2_request_validate() finds no buffer in the request",
            )),
            (Stage::Idle, 1) => None,
            (Stage::Idle, _) => Some(fails(EINVAL, "the double takes one buffer a request")),
        }
    }

    /// MEDIA_REQUEST_IOC_REINIT.
    pub(crate) fn reinit(&self) -> Guess {
        match self.stage {
            Stage::Unclear => unknown("in which state the request is"),
            Stage::Queued => fails(
                EBUSY,
                "media_request_ioctl_reinit() wants an idle or complete request",
            ),
            _ => ok(Told::Done, "media_request_ioctl_reinit() empties it"),
        }
    }

    /// `media_request_poll()`, asked for POLLPRI.
    pub(crate) fn poll(&self) -> Guess {
        const POLLPRI: u16 = 2;
        const POLLERR: u16 = 8;
        let events = match self.stage {
            Stage::Unclear => return unknown("in which state the request is"),
            Stage::Complete => POLLPRI,
            Stage::Queued => 0,
            // Nobody waits for what was not queued.
            Stage::Idle => POLLERR,
        };
        ok(
            Told::Polled(events),
            "media_request_poll() tells the state of the request",
        )
    }

    /// The only buffer in it, of this file, was given back, or taken back: `media_request_object_unbind()`. What the file has put
    /// into it beside the buffer is complete by then. What other files have stays, and the request with it.
    pub(crate) fn lost_its_buffer(&mut self, file: u8, current: &Values) {
        if self.stage == Stage::Queued {
            self.finish(file, current);
            self.buffer_is_back = true;
            self.settle();
        }
    }

    /// `v4l2_ctrl_request_setup()` and `v4l2_ctrl_request_complete()`: the first job of its buffer starts.
    pub(crate) fn apply(&mut self, file: u8, current: &mut Values, sure: bool) {
        let bound = self.controls.entry(file).or_default();
        if bound.complete {
            return;
        }
        for (control, value) in &bound.values {
            current.insert(*control, value.filter(|_| sure));
        }
        let known = |(control, value): (&_, &Option<i32>)| (*control, value.filter(|_| sure));
        let left: Values = current.iter().map(known).collect();
        self.finish(file, &left);
    }

    /// `v4l2_ctrl_request_complete()`: what was not put into it has the value of that moment.
    fn finish(&mut self, file: u8, current: &Values) {
        let bound = self.controls.entry(file).or_default();
        if !std::mem::replace(&mut bound.complete, true) {
            for (control, value) in current {
                bound.values.entry(*control).or_insert(*value);
            }
        }
    }

    /// The controls of a file go with it, unless a call on it still runs.
    pub(crate) fn unbind(&mut self, file: u8, lingers: bool) {
        if self.controls.remove(&file).is_none() {
            return;
        }
        if lingers {
            self.stage = Stage::Unclear;
        }
        self.settle();
    }

    fn settle(&mut self) {
        let complete = self.controls.values().all(|bound| bound.complete);
        if self.stage == Stage::Queued && self.buffer_is_back && complete {
            self.stage = Stage::Complete;
        }
    }
}
