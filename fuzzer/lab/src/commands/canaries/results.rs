//! What campaigns came to, one JSON object a line, so that a run which was interrupted goes on where it was.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use engine::{Finding, Key, Sighting};
use serde::{Deserialize, Serialize};

use super::trial::Trial;
use crate::exit::malformed;

/// What a campaign came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(flatten)]
    pub(super) trial: Trial,
    /// Programs that it ran.
    pub(super) programs: u64,
    /// Seconds that it searched.
    pub(super) seconds: f64,
    /// Whether it ended because of something that fresh boots did not show again.
    pub(super) unrepeated: bool,
    /// What it found.
    pub(super) found: Option<Found>,
}

/// How a bug was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    /// The first invariant that was seen broken.
    pub(super) invariant: String,
    /// How, in one line.
    pub(super) title: String,
    /// Programs run by then.
    pub(super) programs: u64,
    /// Seconds of search by then.
    pub(super) seconds: f64,
    /// Operations of the program that showed it.
    pub(super) operations: usize,
    /// Operations of that program once minimised.
    pub(super) minimised: usize,
    /// The minimised program.
    pub(super) program: String,
}

impl Found {
    pub(super) fn new(finding: &Finding, first: Sighting) -> Found {
        let Key { invariant, title } = finding.key.clone();
        Found {
            invariant,
            title,
            programs: first.programs,
            seconds: first.seconds,
            operations: finding.original.steps.len(),
            minimised: finding.program.steps.len(),
            program: finding.program.to_string(),
        }
    }

    /// Found by a client, which is no program of ours.
    pub(super) fn by_client(key: Key, seconds: f64) -> Found {
        let Key { invariant, title } = key;
        Found {
            invariant,
            title,
            programs: 1,
            seconds,
            operations: 0,
            minimised: 0,
            program: String::new(),
        }
    }
}

/// The file and what is in it.
#[derive(Debug)]
pub(super) struct Results {
    path: PathBuf,
    file: File,
    known: BTreeMap<Trial, Record>,
}

impl Results {
    /// Reads the file, or makes it. A last line that a crash cut short is left out.
    pub(super) fn open(path: &Path) -> anyhow::Result<Results> {
        let say = || format!("the results in {}", path.display());
        let mut options = File::options();
        let options = options.create(true).append(true).read(true);
        let file = options.open(path).with_context(say)?;
        let text = std::fs::read_to_string(path).with_context(say)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).with_context(say)?;
        let mut known = BTreeMap::new();
        for (number, line) in text[..whole].lines().enumerate() {
            let record: Record = serde_json::from_str(line).map_err(|error| {
                malformed(format!(
                    "{}: line {}: {error}; remove the line, or give another --results",
                    path.display(),
                    number + 1
                ))
            })?;
            known.insert(record.trial.clone(), record);
        }
        Ok(Results {
            path: path.to_owned(),
            file,
            known,
        })
    }

    /// What this trial came to, if it has run.
    pub(super) fn get(&self, trial: &Trial) -> Option<&Record> {
        self.known.get(trial)
    }

    /// Those that have not run.
    pub(super) fn missing(&self, trials: &[Trial]) -> Vec<Trial> {
        let missing = |trial: &&Trial| !self.known.contains_key(*trial);
        trials.iter().filter(missing).cloned().collect()
    }

    /// Keeps a record.
    pub(super) fn add(&mut self, record: Record) -> anyhow::Result<()> {
        // In one piece, so that lines of two labs do not mix.
        let line = serde_json::to_string(&record)? + "\n";
        let say = || format!("cannot write {}", self.path.display());
        self.file.write_all(line.as_bytes()).with_context(say)?;
        self.known.insert(record.trial.clone(), record);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::canaries::{trial::Budget, way::Way};

    fn record(seed: u64) -> Record {
        Record {
            trial: Trial {
                bug: "leak".into(),
                way: Way::Lab,
                seed,
                budget: Budget(60),
                build: "b".into(),
                lab: "l".into(),
            },
            programs: 9,
            seconds: 1.5,
            unrepeated: false,
            found: None,
        }
    }

    #[test]
    fn what_was_kept_is_read_back_and_a_line_cut_short_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canaries.jsonl");
        let mut results = Results::open(&path).unwrap();
        results.add(record(1)).unwrap();
        results.add(record(2)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        let mut results = Results::open(&path).unwrap();
        let trials = [1, 2, 3].map(|seed| record(seed).trial);
        assert_eq!(results.get(&trials[0]), Some(&record(1)));
        assert_eq!(results.missing(&trials), trials[1..]);
        results.add(record(2)).unwrap();
        assert!(Results::open(&path).unwrap().get(&trials[1]).is_some());
    }

    #[test]
    fn a_line_that_is_no_record_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canaries.jsonl");
        std::fs::write(&path, "{}\n").unwrap();
        let error = Results::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}
