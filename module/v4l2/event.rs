// SPDX-License-Identifier: GPL-2.0

//! `struct v4l2_event`.
//!
//! C header: [`include/media/v4l2-event.h`](srctree/include/media/v4l2-event.h)

use kernel::bindings;

/// An event that a driver sends to one file handle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// `V4L2_EVENT_CTRL`, which the core sends.
    Control,
    /// `V4L2_EVENT_EOS`
    EndOfStream,
    /// `V4L2_EVENT_SOURCE_CHANGE` with `V4L2_EVENT_SRC_CH_RESOLUTION`
    ResolutionChange,
}

impl Event {
    /// Which event a subscription is for, if it is one of these.
    pub(crate) fn of_type(event_type: u32) -> Option<Self> {
        match event_type {
            bindings::V4L2_EVENT_CTRL => Some(Self::Control),
            bindings::V4L2_EVENT_EOS => Some(Self::EndOfStream),
            bindings::V4L2_EVENT_SOURCE_CHANGE => Some(Self::ResolutionChange),
            _ => None,
        }
    }

    /// The `struct v4l2_event`.
    pub(crate) fn as_raw(self) -> bindings::v4l2_event {
        let mut event: bindings::v4l2_event = pin_init::zeroed();

        match self {
            Self::Control => event.type_ = bindings::V4L2_EVENT_CTRL,
            Self::EndOfStream => event.type_ = bindings::V4L2_EVENT_EOS,
            Self::ResolutionChange => {
                event.type_ = bindings::V4L2_EVENT_SOURCE_CHANGE;
                event.u.src_change.changes = bindings::V4L2_EVENT_SRC_CH_RESOLUTION;
            }
        }
        event
    }
}
