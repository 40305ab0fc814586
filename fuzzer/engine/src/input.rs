//! A program as LibAFL sees it: text on disk, a name made from the text.

use std::path::Path;

use libafl::{Error, corpus::CorpusId, inputs::Input};
use libafl_bolts::HasLen;
use program::Program;
use serde::{Deserialize, Serialize};
use trace::ProgramHash;

use crate::store;

/// File name extension of program text.
pub(crate) const EXTENSION: &str = "vb2";

/// The input of the search.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Case(pub(crate) Program);

impl Input for Case {
    fn to_file<P: AsRef<Path>>(&self, path: P) -> Result<(), Error> {
        store::write(path.as_ref(), self.0.to_string().as_bytes())
            .map_err(|error| Error::illegal_state(format!("{error:#}")))
    }

    fn from_file<P: AsRef<Path>>(path: P) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)?;
        let program = text
            .parse()
            .map_err(|error| Error::illegal_argument(format!("{}: {error}", path.display())))?;
        Ok(Case(program))
    }

    fn generate_name(&self, _id: Option<CorpusId>) -> String {
        format!("{}.{EXTENSION}", ProgramHash::of(&self.0))
    }
}

impl HasLen for Case {
    fn len(&self) -> usize {
        self.0.steps.len()
    }
}
