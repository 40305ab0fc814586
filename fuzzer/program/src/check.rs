//! The rules that every program keeps, wherever it came from.

use crate::op::{
    MAX_DMABUFS, MAX_FILES, MAX_MAPS, MAX_OPS, MAX_REQUESTS, MAX_SYNCS, Program, Step,
};
use crate::part::Part;

/// Why a program that was not parsed from text (but decoded, or built by code) is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Too many steps.
    #[error("the program has {0} operations; at most {MAX_OPS} fit")]
    TooLong(usize),
    /// A slot number beyond the last slot.
    #[error("step {step} (`{text}`) names a slot that does not exist")]
    Slot {
        /// Index of the step.
        step: usize,
        /// Its text.
        text: String,
    },
    /// `async` where it may not stand.
    #[error("step {step} (`{text}`) cannot be asynchronous")]
    Async {
        /// Index of the step.
        step: usize,
        /// Its text.
        text: String,
    },
}

impl Program {
    /// Checks the rules that the parser enforces: length, slot numbers, where `async` stands.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.steps.len() > MAX_OPS {
            return Err(Invalid::TooLong(self.steps.len()));
        }
        self.steps
            .iter()
            .enumerate()
            .try_for_each(|(step, content)| content.check(step))
    }
}

impl Step {
    fn check(&self, step: usize) -> Result<(), Invalid> {
        if !self.op.clone().parts().iter().all(slot_exists) {
            return Err(Invalid::Slot {
                step,
                text: self.to_string(),
            });
        }
        if self.asynchronous && !self.op.kind().may_be_async() {
            return Err(Invalid::Async {
                step,
                text: self.to_string(),
            });
        }
        Ok(())
    }
}

fn slot_exists(part: &Part<'_>) -> bool {
    match part {
        Part::File(file) => file.0 < MAX_FILES,
        Part::Dmabuf(dmabuf) => dmabuf.0 < MAX_DMABUFS,
        Part::Imports(dmabuf, more) => {
            let planes = [**dmabuf, more.second, more.third];
            let gap = planes
                .windows(2)
                .any(|pair| pair[0].is_none() && pair[1].is_some());
            let mut named = planes.into_iter().flatten();
            !gap && named.all(|dmabuf| dmabuf.0 < MAX_DMABUFS)
        }
        Part::Import(dmabuf) => dmabuf.is_none_or(|dmabuf| dmabuf.0 < MAX_DMABUFS),
        Part::Sync(sync) => sync.0 < MAX_SYNCS,
        Part::Request(request) => request.0 < MAX_REQUESTS,
        Part::Map(map) => map.0 < MAX_MAPS,
        Part::InRequest(request) => request.is_none_or(|request| request.0 < MAX_REQUESTS),
        _ => true,
    }
}
