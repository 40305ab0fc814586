//! Buffers as the ledger names them: what happened to each, in order.

use std::collections::HashMap;

use trace::{BufferId, FenceId, Kind, Phase};

use super::span::Moment;

/// `enum vb2_buffer_state`
pub(crate) const STATE_QUEUED: u32 = 3;
/// `enum vb2_buffer_state`
pub(crate) const STATE_DONE: u32 = 5;
/// `enum vb2_buffer_state`
pub(crate) const STATE_ERROR: u32 = 6;

/// One thing that happened to a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// The driver got it.
    Queue,
    /// It stands on memory of user space.
    Userptr,
    /// The driver gave it back in this state.
    Done(u32),
    /// A fence was attached.
    Attach(FenceId),
    /// A job on it reached this phase.
    Job(u64, Phase),
}

/// The history of one buffer.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) steps: Vec<(Moment, Happening)>,
}

impl History {
    /// What happened after event `index`.
    pub(crate) fn after(&self, index: usize) -> impl Iterator<Item = (Moment, Happening)> {
        let start = self.steps.partition_point(|(at, _)| at.index <= index);
        self.steps[start..].iter().copied()
    }

    /// What happened before event `index`, the latest first.
    pub(crate) fn before(&self, index: usize) -> impl Iterator<Item = (Moment, Happening)> {
        let end = self.steps.partition_point(|(at, _)| at.index < index);
        self.steps[..end].iter().rev().copied()
    }

    /// How the driver gave the buffer back for the first time after event `index`.
    pub(crate) fn done_after(&self, index: usize) -> Option<(Moment, u32)> {
        self.after(index)
            .find_map(|(at, happening)| match happening {
                Happening::Done(state) => Some((at, state)),
                _ => None,
            })
    }

    /// How the driver last gave the buffer back before event `index`, unless it got the buffer again since.
    pub(crate) fn last_done(&self, index: usize) -> Option<(Moment, u32)> {
        let relevant = |happening| matches!(happening, Happening::Queue | Happening::Done(_));
        match self
            .before(index)
            .find(|(_, happening)| relevant(*happening))?
        {
            (at, Happening::Done(state)) => Some((at, state)),
            _ => None,
        }
    }

    /// Whether the buffer that the driver last got before event `index` stands on memory of user space.
    pub(crate) fn is_userptr(&self, index: usize) -> bool {
        let told = |(_, happening)| match happening {
            Happening::Userptr => Some(true),
            Happening::Queue => Some(false),
            _ => None,
        };
        self.before(index).find_map(told).unwrap_or(false)
    }

    /// The job that started next after event `index`, before the buffer was queued again.
    pub(crate) fn job_after(&self, index: usize) -> Option<(Moment, u64)> {
        let arming = self
            .after(index)
            .take_while(|(_, happening)| *happening != Happening::Queue);
        arming
            .into_iter()
            .find_map(|(at, happening)| match happening {
                Happening::Job(job, Phase::Start) => Some((at, job)),
                _ => None,
            })
    }
}

/// The histories of all buffers.
#[derive(Default)]
pub(crate) struct Buffers {
    histories: HashMap<BufferId, History>,
    empty: History,
}

impl Buffers {
    pub(crate) fn get(&self, buffer: BufferId) -> &History {
        self.histories.get(&buffer).unwrap_or(&self.empty)
    }

    /// All buffers, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (BufferId, &History)> {
        self.histories
            .iter()
            .map(|(buffer, history)| (*buffer, history))
    }

    pub(super) fn record(&mut self, at: Moment, kind: &Kind) {
        let (buffer, happening) = match *kind {
            Kind::Queue { buffer } => (buffer, Happening::Queue),
            Kind::Userptr { buffer } => (buffer, Happening::Userptr),
            Kind::Done { buffer, state } => (buffer, Happening::Done(state)),
            Kind::Attach { fence, buffer, .. } => (buffer, Happening::Attach(fence)),
            Kind::Job { buffer, job, phase } => (buffer, Happening::Job(job, phase)),
            _ => return,
        };
        self.histories
            .entry(buffer)
            .or_default()
            .steps
            .push((at, happening));
    }
}
