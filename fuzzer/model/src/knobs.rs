//! The double's knobs that change which buffers its jobs give back, and when its queues start.
//!
//! Driver source: the double's `knobs.rs`

use program::{Completion, Knob, Op};

/// Values of one file's knobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Knobs {
    /// The buffers leave their ready lists, and get their numbers, when the hardware is kicked.
    pub(crate) pipelined: bool,
    /// CAPTURE buffers that one OUTPUT buffer feeds.
    frames: u32,
    /// There were OUTPUT buffers with several frames at some time.
    pub(crate) had_frames: bool,
    /// `min_queued_buffers` of OUTPUT and CAPTURE.
    pub(crate) min_queued: [u32; 2],
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            pipelined: false,
            frames: 1,
            had_frames: false,
            min_queued: [0; 2],
        }
    }
}

impl Knobs {
    /// Takes the value of an operation.
    pub(crate) fn set(&mut self, op: &Op) {
        match *op {
            Op::Completion { context, .. } => self.pipelined = context == Completion::Pipelined,
            Op::SetKnob {
                knob: Knob::Frames,
                value,
                ..
            } => {
                self.frames = value;
                self.had_frames |= value > 1;
            }
            Op::SetKnob {
                knob: Knob::MinQueued,
                value,
                ..
            } => self.min_queued = [value & 0xff, value >> 8],
            _ => {}
        }
    }

    /// Whether each job gives one buffer of each queue back, with its end.
    pub(crate) fn is_plain(&self) -> bool {
        !self.pipelined && self.frames == 1
    }
}
