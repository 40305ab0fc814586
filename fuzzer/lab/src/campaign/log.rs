//! `log.jsonl`: what happened in a campaign, a JSON object a line.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use engine::{Bound, Key, Stats};
use serde::{Deserialize, Serialize};

use crate::exit::malformed;

/// How far a campaign is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bounded {
    /// So many programs, all instances together.
    Programs(u64),
    /// So many seconds of real time.
    Seconds(u64),
}

impl From<Bound> for Bounded {
    fn from(bound: Bound) -> Bounded {
        match bound {
            Bound::Programs(count) => Bounded::Programs(count),
            Bound::Time(time) => Bounded::Seconds(time.as_secs()),
        }
    }
}

/// Counts of all instances together. The names are those of `lab fuzz --json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "the names say it; engine::Stats documents them"
)]
pub struct Counts {
    pub seconds: f64,
    pub triage_seconds: f64,
    pub programs: u64,
    pub operations: u64,
    pub programs_per_s: f64,
    pub operations_per_s: f64,
    pub coverage: usize,
    pub corpus: usize,
    pub repeated: u64,
    pub history_dependent: u64,
    pub boots: u64,
    pub fences_attached: u64,
    pub fences_signalled: u64,
    pub fences_destroyed: u64,
    pub fences_pending: u64,
}

/// Counts since the part began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// What ran.
    #[serde(flatten)]
    pub counts: Counts,
    /// What was found.
    pub findings: usize,
}

impl From<&Stats> for Numbers {
    fn from(stats: &Stats) -> Numbers {
        Numbers {
            counts: Counts::from(stats),
            findings: stats.findings,
        }
    }
}

impl From<&Stats> for Counts {
    fn from(stats: &Stats) -> Counts {
        Counts {
            seconds: stats.seconds,
            triage_seconds: stats.triage_seconds,
            programs: stats.programs,
            operations: stats.operations,
            programs_per_s: stats.programs_per_s(),
            operations_per_s: stats.operations_per_s(),
            coverage: stats.coverage,
            corpus: stats.corpus,
            repeated: stats.repeated,
            history_dependent: stats.history_dependent,
            boots: stats.boots,
            fences_attached: stats.fences.attached,
            fences_signalled: stats.fences.signalled,
            fences_destroyed: stats.fences.destroyed,
            fences_pending: stats.fences.pending,
        }
    }
}

impl Numbers {
    /// The same as the engine counts.
    pub fn stats(&self) -> Stats {
        Stats {
            programs: self.counts.programs,
            operations: self.counts.operations,
            seconds: self.counts.seconds,
            triage_seconds: self.counts.triage_seconds,
            coverage: self.counts.coverage,
            corpus: self.counts.corpus,
            repeated: self.counts.repeated,
            history_dependent: self.counts.history_dependent,
            fences: trace::wire::FenceCounts {
                attached: self.counts.fences_attached,
                signalled: self.counts.fences_signalled,
                destroyed: self.counts.fences_destroyed,
                pending: self.counts.fences_pending,
            },
            boots: self.counts.boots,
            findings: self.findings,
            first: None,
        }
    }
}

/// A finding as a campaign remembers it; its folder has the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What was broken, and how.
    #[serde(flatten)]
    pub key: Key,
    /// Where it is.
    pub folder: PathBuf,
    /// Of its class.
    pub exit_code: u8,
    /// `3/3`
    pub reproduced: String,
    /// Operations of the minimised program.
    pub operations: usize,
    /// What else the same program shows, which needs no finding of its own.
    #[serde(default)]
    pub beside: Vec<Key>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line {
    /// A lab began to work on the campaign.
    Start {
        /// Seconds since 1970.
        time: u64,
        /// Whether it goes on with a part that was killed.
        resumed: bool,
        /// Of the random numbers.
        seed: u64,
        /// Guests at work.
        instances: usize,
        /// How far the part goes.
        bound: Bounded,
        /// `uname -r`
        kernel: String,
        /// Key of the build.
        build: String,
    },
    /// About every second.
    Progress(Numbers),
    /// A program is in `corpus`.
    Kept {
        /// Its name there.
        file: String,
        /// Programs run by then.
        programs: u64,
    },
    /// A program is about to leave `corpus`: others show all that it shows.
    Dropped {
        /// Its name there.
        file: String,
    },
    /// A finding's folder is whole.
    Finding(Found),
    /// The part is over.
    End {
        /// Why.
        ended: String,
        /// What it came to.
        #[serde(flatten)]
        numbers: Numbers,
    },
}

/// Writes lines.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Opens a file to write at its end. A torn last line is cut off: it was never told.
    pub(super) fn open(path: &Path) -> anyhow::Result<Log> {
        let mut file = append(path)?;
        cut_torn_line(&mut file).with_context(|| path.display().to_string())?;
        Ok(Log {
            file,
            path: path.to_owned(),
        })
    }

    /// Adds a line.
    pub(super) fn add(&mut self, line: &Line) -> anyhow::Result<()> {
        self.add_text(&(serde_json::to_string(line)? + "\n"))
    }

    /// Adds whole lines of text at once, so that a kill tears the last one at most.
    pub(super) fn add_text(&mut self, lines: &str) -> anyhow::Result<()> {
        let written = self.file.write_all(lines.as_bytes());
        written.with_context(|| format!("cannot write {}: is the disk full?", self.path.display()))
    }
}

fn append(path: &Path) -> anyhow::Result<File> {
    let mut options = File::options();
    options.create(true).read(true).append(true);
    options
        .open(path)
        .with_context(|| path.display().to_string())
}

fn cut_torn_line(file: &mut File) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n');
    file.set_len(whole.map_or(0, |last| last as u64 + 1))
}

/// The lines of a log; a torn last one is left out.
pub fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.with_context(|| path.display().to_string())?,
    };
    let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
    // What follows the last end of line is torn, or nothing.
    lines.pop();
    let parse = |(index, line): (usize, &[u8])| {
        serde_json::from_slice(line)
            .map_err(|error| malformed(format!("{}: line {}: {error}", path.display(), index + 1)))
    };
    lines.into_iter().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_left_out_and_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        assert!(read(&path).unwrap().is_empty());
        let line = Line::Kept {
            file: "a.vb2".into(),
            programs: 7,
        };
        Log::open(&path).unwrap().add(&line).unwrap();
        append(&path)
            .unwrap()
            .write_all(b"{\"event\":\"pro")
            .unwrap();
        assert_eq!(read(&path).unwrap(), std::slice::from_ref(&line));
        Log::open(&path).unwrap().add(&line).unwrap();
        assert_eq!(read(&path).unwrap(), [line.clone(), line]);
    }

    #[test]
    fn a_line_that_is_none_is_told_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        std::fs::write(
            &path,
            "{\"event\":\"kept\",\"file\":\"a\",\"programs\":1}\n{}\n",
        )
        .unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("log.jsonl: line 2"), "{error}");
    }

    #[test]
    fn numbers_are_read_back() {
        let stats = Stats {
            programs: 10,
            seconds: 2.0,
            boots: 3,
            ..Stats::default()
        };
        let line = Line::Progress(Numbers::from(&stats));
        let text = serde_json::to_string(&line).unwrap();
        assert!(text.contains("\"event\":\"progress\"") && text.contains("\"programs_per_s\":5.0"));
        let Line::Progress(numbers) = serde_json::from_str(&text).unwrap() else {
            panic!("{text}");
        };
        assert_eq!(numbers.stats(), stats);
    }
}
