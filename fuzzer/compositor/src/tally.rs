//! Counting what happened to the frames.

use compositor::{Options, Report, Spread};

/// Counts and times so far.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) frames: u32,
    pub(crate) early: u32,
    pub(crate) waits: u32,
    pub(crate) endless: u32,
    pub(crate) stub: u32,
    pub(crate) pending: u32,
    pub(crate) without_fence: u32,
    pub(crate) errors: u32,
    pub(crate) after_hand_over: Vec<u64>,
    pub(crate) after_last_write: Vec<u64>,
    pub(crate) after_input: Vec<u64>,
}

impl Tally {
    /// What it all adds up to.
    pub(crate) fn report(self, options: &Options) -> Report {
        Report {
            driver: options.driver.name().to_owned(),
            hand_over: options.hand_over,
            wait: options.wait,
            starve: options.starve,
            frames: self.frames,
            early: self.early,
            waits: self.waits,
            endless: self.endless,
            stub: self.stub,
            pending: self.pending,
            without_fence: self.without_fence,
            errors: self.errors,
            after_hand_over: Spread::of(self.after_hand_over),
            after_last_write: Spread::of(self.after_last_write),
            after_input: Spread::of(self.after_input),
        }
    }
}
