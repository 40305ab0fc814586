//! What a campaign reports.

use judge::Violation;
use program::Program;
use serde::{Deserialize, Serialize};
use trace::Trace;

/// What tells two findings apart: the invariant that was broken, and the title of how.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The invariant's name, `I9`.
    pub invariant: String,
    /// One line that stays the same whichever program shows it.
    pub title: String,
}

/// The invariant's name in a finding about the lab's own promise that a program's trace repeats byte for byte.
pub const DETERMINISM: &str = "determinism";

/// Exit code for what does not repeat.
pub(crate) const NOT_REPEATED: u8 = 15;

impl Key {
    /// The key of a violation.
    pub fn of(violation: &Violation) -> Key {
        let invariant = violation.invariant.to_string();
        let title = violation.title();
        let title = title
            .strip_prefix(&format!("{invariant}: "))
            .unwrap_or(&title)
            .to_owned();
        Key { invariant, title }
    }

    /// The key of a trace that came out differently the second time.
    pub(crate) fn nondeterministic(what: &str) -> Key {
        Key {
            invariant: DETERMINISM.to_string(),
            title: format!("nondeterministic trace: {what}"),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.invariant, self.title)
    }
}

/// A violation that triage has looked into.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it is.
    pub key: Key,
    /// The exit code of its class.
    pub exit_code: u8,
    /// How many of [`REPLAYS`] replays on fresh boots showed it.
    ///
    /// [`REPLAYS`]: crate::triage::REPLAYS
    pub reproduced: u32,
    /// The minimised program.
    pub program: Program,
    /// The program as the search found it.
    pub original: Program,
    /// What the minimised program showed.
    pub trace: Trace,
    /// For what does not repeat: another trace of the same program.
    pub other_trace: Option<Trace>,
    /// Everything that the judge says about [`Finding::trace`].
    pub violations: Vec<Violation>,
    /// Whether it takes a scan for leaks to see it.
    pub leaks: bool,
    /// Programs that minimisation ran.
    pub minimised_in: u32,
}

impl Finding {
    /// True if every replay on a fresh boot showed it.
    pub fn repeats(&self) -> bool {
        self.reproduced == crate::triage::REPLAYS
    }
}

/// The exit code of a key's class, given the judge's violations that it may be among.
pub(crate) fn class(key: &Key, violations: &[Violation]) -> u8 {
    let of_key = violations
        .iter()
        .find(|violation| Key::of(violation) == *key);
    of_key.map_or(NOT_REPEATED, |violation| {
        violation.invariant.class().exit_code()
    })
}
