//! Skips programs that ran already.

use std::collections::HashSet;

use libafl::{Error, fuzzer::InputFilter};

use trace::ProgramHash;

use crate::input::Case;

/// Remembers every program by the hash of its text.
///
/// LibAFL's bloom filter hashes with a key drawn anew in every process, so which programs it confuses would differ from
/// run to run, and a seed would not repeat a campaign.
#[derive(Debug, Default)]
pub(crate) struct SeenFilter {
    seen: HashSet<ProgramHash>,
}

impl<EM, S> InputFilter<EM, Case, S> for SeenFilter {
    fn should_execute(
        &mut self,
        input: &Case,
        _state: &mut S,
        _manager: &mut EM,
    ) -> Result<bool, Error> {
        Ok(!input.0.steps.is_empty() && self.seen.insert(ProgramHash::of(&input.0)))
    }
}
