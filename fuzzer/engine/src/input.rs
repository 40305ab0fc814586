//! A program as LibAFL sees it.

use libafl::{corpus::CorpusId, inputs::Input};
use libafl_bolts::HasLen;
use program::Program;
use serde::{Deserialize, Serialize};
use trace::ProgramHash;

/// The input of the search. It lies in memory alone: whoever listens to the campaign keeps what is worth keeping.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Case(pub(crate) Program);

impl Input for Case {
    fn generate_name(&self, _id: Option<CorpusId>) -> String {
        ProgramHash::of(&self.0).to_string()
    }
}

impl HasLen for Case {
    fn len(&self) -> usize {
        self.0.steps.len()
    }
}
