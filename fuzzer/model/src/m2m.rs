//! `struct v4l2_m2m_ctx`, and what the double makes of it: how a stream is drained and changes its size.
//!
//! C source: `v4l2-mem2mem.c`; the double's `drain.rs` and `decoder.rs`

use program::DecoderCmd;

use crate::answer::{Guess, Told, fails, ok, unknown};
use crate::errno::EBUSY;

/// The state of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct M2m {
    /// `is_draining`
    pub(crate) draining: bool,
    /// `has_stopped`
    pub(crate) stopped: bool,
    /// `next_buf_last`
    pub(crate) next_last: bool,
    /// `last_src_buf`
    pub(crate) last_src: Option<u32>,
    /// The stream has changed its size and userspace has not answered.
    pub(crate) changed: bool,
    /// The size that it changes to next.
    pub(crate) change: Option<(u32, u32)>,
    /// The OUTPUT buffer of the job whose CAPTURE buffer was just given back.
    pub(crate) ending: Option<u32>,
    /// Next sequence numbers, as far as they are known: OUTPUT, CAPTURE.
    pub(crate) sequences: [Option<u32>; 2],
    /// The size of the stream was told: `told` of the double's decoder.
    pub(crate) told: bool,
    /// A change of the stream was ordered, or another thread took part.
    pub(crate) ordered: bool,
    /// A drain was begun.
    pub(crate) drained: bool,
}

impl Default for M2m {
    fn default() -> Self {
        Self {
            draining: false,
            stopped: false,
            next_last: false,
            last_src: None,
            changed: false,
            change: None,
            ending: None,
            sequences: [Some(0); 2],
            told: false,
            ordered: false,
            drained: false,
        }
    }
}

impl M2m {
    /// DECODER_CMD or ENCODER_CMD of the double.
    pub(crate) fn command(&self, cmd: DecoderCmd, both_stream: bool) -> Guess {
        let done = |why| ok(Told::Done, why);
        match cmd {
            DecoderCmd::Pause | DecoderCmd::Resume | DecoderCmd::Flush => {
                unknown("a command that the model has not learnt")
            }
            _ if !both_stream => done("the double ignores commands unless both queues stream"),
            DecoderCmd::Start if self.changed => {
                done("the command answers the change of the stream")
            }
            DecoderCmd::Stop if self.draining => fails(
                EBUSY,
                "v4l2_update_last_buf_state() finds a drain under way",
            ),
            DecoderCmd::Start if self.draining => {
                fails(EBUSY, "v4l2_m2m_decoder_cmd() finds a drain under way")
            }
            DecoderCmd::Stop => done("v4l2_update_last_buf_state() begins a drain"),
            DecoderCmd::Start => done("v4l2_m2m_decoder_cmd() goes on after a drain"),
        }
    }

    /// `v4l2_update_last_buf_state()`, up to the buffer that it may give back.
    pub(crate) fn drain(&mut self, last_src: Option<u32>, has_dst: bool) {
        if self.stopped {
            return;
        }
        self.last_src = last_src;
        self.draining = true;
        self.drained = true;
        self.next_last = last_src.is_none() && !has_dst;
    }

    /// DECODER_CMD start that succeeded.
    pub(crate) fn go_on(&mut self) {
        if !std::mem::take(&mut self.changed) {
            self.stopped = false;
        }
    }

    /// `v4l2_m2m_mark_stopped()`; says whether that is news.
    pub(crate) fn mark_stopped(&mut self) -> bool {
        self.draining = false;
        self.next_last = false;
        !std::mem::replace(&mut self.stopped, true)
    }

    /// `v4l2_m2m_clear_state()`
    fn clear(&mut self) {
        self.next_last = false;
        self.draining = false;
        self.stopped = false;
    }

    /// The double's `stop_streaming` on CAPTURE. A drain that a change has interrupted goes on.
    pub(crate) fn stop_capture(&mut self) {
        if !std::mem::take(&mut self.changed) {
            self.clear();
        }
    }

    /// Its `stop_streaming` on OUTPUT: `v4l2_m2m_update_stop_streaming_state()`, if no CAPTURE buffer was there to end the
    /// drain.
    pub(crate) fn stop_output(&mut self) {
        if self.draining {
            self.last_src = None;
            self.next_last = true;
        }
    }

    /// Whether drains and changes of the stream meet. Which of the two a CAPTURE buffer was given back for depends on the
    /// order of records within a call, and its number, size and LAST with it: the model does not guess them.
    pub(crate) fn is_mixed(&self) -> bool {
        self.ordered && self.drained
    }

    /// The next sequence number of OUTPUT or CAPTURE, if it is known.
    pub(crate) fn next_sequence(&mut self, output: bool) -> Option<u32> {
        let next = &mut self.sequences[usize::from(!output)];
        let this = *next;
        *next = this.map(|this| this.wrapping_add(1));
        this
    }
}
