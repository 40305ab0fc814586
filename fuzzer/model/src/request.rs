//! Media requests.
//!
//! C source: `mc-request.c`

use crate::answer::{Guess, Told, fails, ok, unknown};
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

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Whether it is of the multi-planar converter: each node has a media device of its own.
    pub(crate) multi: bool,
    pub(crate) stage: Stage,
}

impl Request {
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

    /// The only buffer in it was given back, or taken back: `media_request_object_unbind()`.
    pub(crate) fn lost_its_buffer(&mut self) {
        if self.stage == Stage::Queued {
            self.stage = Stage::Complete;
        }
    }
}
