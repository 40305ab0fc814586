//! What a check has to say: a place and a complaint, and whether a maintainer would send the patch back for it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a complaint weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Weight {
    /// A maintainer would send the patch back.
    Bounce,
    /// Worth to be known.
    Note,
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Finding {
    pub(super) weight: Weight,
    /// The file that is complained about: of the tree, or the patch itself.
    pub(super) file: String,
    pub(super) line: Option<u32>,
    pub(super) complaint: String,
}

impl Finding {
    /// A complaint that sends the patch back.
    pub(super) fn bounce(
        file: impl Into<String>,
        line: impl Into<Option<u32>>,
        complaint: impl Into<String>,
    ) -> Finding {
        Finding {
            weight: Weight::Bounce,
            file: file.into(),
            line: line.into(),
            complaint: complaint.into(),
        }
    }

    /// The same complaint as a mere note, with the reason why it is no more than that.
    pub(super) fn noted(self, why: &str) -> Finding {
        Finding {
            weight: Weight::Note,
            complaint: format!("{} ({why})", self.complaint),
            ..self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.complaint),
            None => write!(f, "{}: {}", self.file, self.complaint),
        }
    }
}

/// What a check of one patch came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(super) enum Cell {
    /// The patch holds nothing that this check looks at.
    #[default]
    Nothing,
    /// The check could not run.
    NotRun {
        /// What stood in its way.
        why: String,
    },
    /// The check ran.
    Checked {
        /// What it found.
        findings: Vec<Finding>,
    },
}

impl Cell {
    /// The check ran and found this.
    pub(super) fn of(findings: Vec<Finding>) -> Cell {
        Cell::Checked { findings }
    }

    /// Adds findings. What could not run stays so.
    pub(super) fn add(&mut self, more: Vec<Finding>) {
        match self {
            Cell::Nothing => *self = Cell::of(more),
            Cell::Checked { findings } => findings.extend(more),
            Cell::NotRun { .. } => (),
        }
    }

    pub(super) fn findings(&self) -> &[Finding] {
        match self {
            Cell::Checked { findings } => findings,
            Cell::Nothing | Cell::NotRun { .. } => &[],
        }
    }

    /// The findings that send the patch back.
    pub(super) fn bounces(&self) -> impl Iterator<Item = &Finding> {
        let is_bounce = |finding: &&Finding| finding.weight == Weight::Bounce;
        self.findings().iter().filter(is_bounce)
    }
}

/// What was not there before. The line does not count: a patch moves what follows it.
pub(super) fn fresh(before: &[Finding], after: Vec<Finding>) -> Vec<Finding> {
    let mut old: Vec<_> = before
        .iter()
        .map(|finding| (&finding.file, &finding.complaint))
        .collect();
    let mut is_new = |finding: &Finding| {
        let known = old
            .iter()
            .position(|known| *known == (&finding.file, &finding.complaint));
        known.map(|at| old.swap_remove(at)).is_none()
    };
    after
        .into_iter()
        .filter(|finding| is_new(finding))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_counts_wherever_it_moved() {
        let of = |line, what: &str| Finding::bounce("x.c", line, what);
        let before = [of(1, "a"), of(2, "b")];
        let after = vec![of(11, "a"), of(12, "a"), of(13, "c")];
        assert_eq!(fresh(&before, after), [of(12, "a"), of(13, "c")]);
    }
}
