//! `struct v4l2_fh`: the events that a file has subscribed to and not dequeued.
//!
//! C source: `v4l2-event.c`

use std::collections::VecDeque;

/// `V4L2_EVENT_EOS`
pub(crate) const EOS: u32 = 2;
/// `V4L2_EVENT_SOURCE_CHANGE`
pub(crate) const SOURCE_CHANGE: u32 = 5;
/// `V4L2_EVENT_SRC_CH_RESOLUTION`
const RESOLUTION: u32 = 1;

/// Subscribed and pending events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Events {
    subscribed: Vec<u32>,
    /// Type and sequence, the oldest first.
    pending: VecDeque<(u32, u32)>,
    sequence: u32,
}

impl Events {
    pub(crate) fn subscribe(&mut self, kind: u32) {
        if !self.subscribed.contains(&kind) {
            self.subscribed.push(kind);
        }
    }

    /// `v4l2_event_unsubscribe()`: pending events of that kind go as well.
    pub(crate) fn unsubscribe(&mut self, kind: u32) {
        self.subscribed.retain(|other| *other != kind);
        self.pending.retain(|(other, _)| *other != kind);
    }

    /// `__v4l2_event_queue_fh()`. There is room for one event of a kind: the newer replaces the older, and goes to the end.
    pub(crate) fn queue(&mut self, kind: u32) {
        if !self.subscribed.contains(&kind) {
            return;
        }
        self.pending.retain(|(other, _)| *other != kind);
        // `v4l2_fh_init()` begins with -1, so that the first event has number 0.
        self.pending.push_back((kind, self.sequence));
        self.sequence += 1;
    }

    /// The oldest: type, changes, sequence.
    pub(crate) fn first(&self) -> Option<(u32, u32, u32)> {
        let (kind, sequence) = *self.pending.front()?;
        let changes = if kind == SOURCE_CHANGE { RESOLUTION } else { 0 };
        Some((kind, changes, sequence))
    }

    pub(crate) fn take(&mut self) {
        self.pending.pop_front();
    }

    /// Whether anything can come at all.
    pub(crate) fn is_subscribed(&self) -> bool {
        !self.subscribed.is_empty()
    }
}
