//! What the campaigns of one way against one bug come to.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{results::Record, way::Way};
use crate::plants::Plant;

/// A bug and a way to look for it.
#[derive(Debug, Serialize)]
pub(super) struct Score<'a> {
    pub(super) way: Way,
    /// Campaigns.
    pub(super) runs: usize,
    /// Those that found it.
    pub(super) found: usize,
    /// Those that found it by an invariant that its file names.
    pub(super) meant: usize,
    /// The invariants that were first seen broken.
    pub(super) first: BTreeSet<&'a str>,
    /// Seconds to the first finding; none where fewer than half found it.
    pub(super) median_seconds: Option<f64>,
    /// The same of the slowest; none if one did not find it.
    pub(super) worst_seconds: Option<f64>,
    /// Programs to the first finding; none where fewer than half found it.
    pub(super) median_programs: Option<u64>,
    /// The same of the slowest; none if one did not find it.
    pub(super) worst_programs: Option<u64>,
    /// Operations of the minimised program.
    pub(super) median_operations: Option<usize>,
    /// Each campaign.
    pub(super) campaigns: Vec<&'a Record>,
}

impl<'a> Score<'a> {
    /// Adds up the records of this bug and way; none if there is none.
    pub(super) fn of(plant: &Plant, way: Way, records: &'a [Record]) -> Option<Score<'a>> {
        let mine = |record: &&Record| record.trial.bug == plant.name && record.trial.way == way;
        let campaigns: Vec<_> = records.iter().filter(mine).collect();
        if campaigns.is_empty() {
            return None;
        }
        let found = || campaigns.iter().filter_map(|record| record.found.as_ref());
        let (runs, hits) = (campaigns.len(), found().count());
        let seconds = Ranks::new(found().map(|found| found.seconds).collect(), runs);
        let programs = Ranks::new(found().map(|found| found.programs as f64).collect(), runs);
        let operations = Ranks::new(found().map(|found| found.minimised as f64).collect(), hits);
        Some(Score {
            way,
            runs,
            found: hits,
            meant: found()
                .filter(|found| plant.invariants.contains(&found.invariant))
                .count(),
            first: found().map(|found| found.invariant.as_str()).collect(),
            median_seconds: seconds.median(),
            worst_seconds: seconds.worst(),
            median_programs: programs.median().map(|programs| programs as u64),
            worst_programs: programs.worst().map(|programs| programs as u64),
            median_operations: operations.median().map(|operations| operations as usize),
            campaigns,
        })
    }

    /// Whether every campaign found it.
    pub(super) fn all_found(&self) -> bool {
        self.found == self.runs
    }

    /// `2/3`
    pub(super) fn share(&self) -> String {
        format!("{}/{}", self.found, self.runs)
    }
}

/// Values in order, of more runs perhaps than have one. A run without a value counts as slower than all others.
struct Ranks {
    values: Vec<f64>,
    runs: usize,
}

impl Ranks {
    fn new(mut values: Vec<f64>, runs: usize) -> Ranks {
        values.sort_by(f64::total_cmp);
        Ranks { values, runs }
    }

    /// The lower one of two in the middle.
    fn median(&self) -> Option<f64> {
        self.values.get(self.runs.saturating_sub(1) / 2).copied()
    }

    fn worst(&self) -> Option<f64> {
        self.values.get(self.runs.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_found_nothing_is_the_slowest() {
        let ranks = |values: &[f64], runs| Ranks::new(values.to_vec(), runs);
        assert_eq!(ranks(&[3.0, 1.0, 2.0], 3).median(), Some(2.0));
        assert_eq!(ranks(&[3.0, 1.0, 2.0], 3).worst(), Some(3.0));
        assert_eq!(ranks(&[3.0, 1.0], 3).median(), Some(3.0));
        assert_eq!(ranks(&[3.0, 1.0], 3).worst(), None);
        assert_eq!(ranks(&[1.0], 3).median(), None);
        assert_eq!(ranks(&[], 0).median(), None);
    }
}
