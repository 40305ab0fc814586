//! Records that the ledger lost. Without them a fence that was signalled looks as if it were not, so the oracles that rest
//! on the ledger abstain for the whole trace, and the trace carries a note instead of a finding.

use std::fmt;

use trace::{Event, Trace};

/// Something a reader of the verdict must know that is not a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The ledger overran: the oracles that rest on it did not judge this trace.
    LedgerLost {
        /// How many records.
        records: u64,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LedgerLost { records } => write!(
                f,
                "the fence ledger lost {records} records: only what does not rest on it was judged; \
                 make the program shorter, or the ledger's ring larger"
            ),
        }
    }
}

/// The notes on a trace.
pub fn notes(trace: &Trace) -> Vec<Note> {
    match lost(trace) {
        0 => Vec::new(),
        records => vec![Note::LedgerLost { records }],
    }
}

/// How many records are missing from the trace.
pub(crate) fn lost(trace: &Trace) -> u64 {
    let counts = trace.events.iter().map(|event| match event {
        Event::LedgerLost { count } => *count,
        _ => 0,
    });
    counts.fold(0, u64::saturating_add)
}
