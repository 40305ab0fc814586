//! What was run so far, on disk, so that a proof goes on after whatever ended it.
//!
//! ```text
//! proofs/reconfig-resize/
//!   subject.json      what is proved, of which build; another subject begins anew
//!   runs              a record a program: a digest of what it showed (0: not run), its fences, and whether it repeated
//!   fence-states      each state of all fences that was seen
//!   seconds           real time so far
//!   certificate.json  the outcome
//! ```

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use engine::store;
use explorer::FenceState;
use sha2::{Digest, Sha256};

/// Bytes of a record in `runs`.
const RECORD: usize = 8;
/// How often the time is saved.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// What one program showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Digest of its outcome; never 0.
    pub(super) digest: u32,
    /// Fences attached.
    pub(super) fences: u16,
    /// It was run again on a fresh boot.
    pub(super) repeated: bool,
}

impl Record {
    fn bytes(self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        bytes[..4].copy_from_slice(&self.digest.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.fences.to_le_bytes());
        bytes[6] = self.repeated.into();
        bytes
    }

    fn read(bytes: &[u8]) -> Record {
        let number = |range: std::ops::Range<usize>| {
            let bytes = bytes[range].iter().rev();
            bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
        };
        Record {
            digest: number(0..4),
            fences: number(4..6) as u16,
            repeated: bytes[6] != 0,
        }
    }
}

/// The folder of a proof.
#[derive(Debug)]
pub(super) struct Book {
    folder: PathBuf,
    runs: File,
    records: Vec<Record>,
    states: BTreeSet<FenceState>,
    states_file: File,
    /// Time of earlier sittings.
    before: Duration,
    begun: Instant,
    saved: Instant,
}

impl Book {
    /// Opens the book of a subject with so many programs: goes on with an older one of the same subject.
    pub(super) fn open(folder: &Path, subject: &str, programs: usize) -> anyhow::Result<Book> {
        let place = folder.join("subject.json");
        if fs::read_to_string(&place).ok().as_deref() != Some(subject) {
            for name in ["runs", "fence-states", "seconds", "certificate.json"] {
                remove(&folder.join(name))?;
            }
            store::write(&place, subject.as_bytes())?;
        }
        let open = |name: &str| {
            let path = folder.join(name);
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            options
                .open(&path)
                .with_context(|| path.display().to_string())
        };
        let (runs, states_file) = (open("runs")?, open("fence-states")?);
        runs.set_len((programs * RECORD) as u64).context("runs")?;
        let records = fs::read(folder.join("runs")).context("runs")?;
        let states = fs::read(folder.join("fence-states")).context("fence-states")?;
        let seconds = fs::read_to_string(folder.join("seconds")).unwrap_or_default();
        let now = Instant::now();
        Ok(Book {
            folder: folder.to_owned(),
            runs,
            records: records.chunks_exact(RECORD).map(Record::read).collect(),
            states: states
                .chunks_exact(8)
                .map(|state| state.try_into().expect("eight bytes"))
                .collect(),
            states_file,
            before: Duration::from_secs(seconds.trim().parse().unwrap_or(0)),
            begun: now,
            saved: now,
        })
    }

    /// The programs that have not run yet.
    pub(super) fn missing(&self) -> Vec<usize> {
        let records = self.records.iter().enumerate();
        let missing = records.filter(|(_, record)| record.digest == 0);
        missing.map(|(index, _)| index).collect()
    }

    /// Keeps what a program showed. A process that is killed after this has not lost it.
    pub(super) fn keep(
        &mut self,
        program: usize,
        record: Record,
        states: &BTreeSet<FenceState>,
    ) -> anyhow::Result<()> {
        for state in states {
            if self.states.insert(*state) {
                let end = self.states_file.metadata().context("fence-states")?.len();
                // A state that was cut short is written over.
                let place = end - end % 8;
                self.states_file
                    .write_all_at(state, place)
                    .context("fence-states")?;
            }
        }
        self.records[program] = record;
        let place = (program * RECORD) as u64;
        self.runs
            .write_all_at(&record.bytes(), place)
            .context("cannot write what a program showed: is the disk full?")?;
        self.save_time()
    }

    fn save_time(&mut self) -> anyhow::Result<()> {
        if self.saved.elapsed() < SAVE_EVERY {
            return Ok(());
        }
        self.saved = Instant::now();
        store::write(
            &self.folder.join("seconds"),
            self.seconds().to_string().as_bytes(),
        )
    }

    /// Real time of all sittings.
    pub(super) fn seconds(&self) -> u64 {
        (self.before + self.begun.elapsed()).as_secs()
    }

    /// What programs showed, in their order.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many different states of all fences were seen.
    pub(super) fn fence_states(&self) -> u64 {
        self.states.len() as u64
    }

    /// SHA-256 of all records.
    pub(super) fn seal(&mut self) -> anyhow::Result<String> {
        self.runs.flush().context("runs")?;
        self.runs.sync_all().context("runs")?;
        seal(&self.folder)
    }
}

/// SHA-256 of the records in a proof's folder.
pub(super) fn seal(folder: &Path) -> anyhow::Result<String> {
    let path = folder.join("runs");
    let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
    let digest = Sha256::digest(&bytes);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The records in a proof's folder.
pub(super) fn read(folder: &Path) -> anyhow::Result<Vec<Record>> {
    let path = folder.join("runs");
    let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
    Ok(bytes.chunks_exact(RECORD).map(Record::read).collect())
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Record = Record {
        digest: 0x8000_0001,
        fences: 300,
        repeated: true,
    };

    #[test]
    fn a_book_goes_on_where_it_was_left() {
        let folder = tempfile::tempdir().unwrap();
        let states = BTreeSet::from([[1; 8], [2; 8]]);
        let mut book = Book::open(folder.path(), "one", 3).unwrap();
        book.keep(1, SEEN, &states).unwrap();
        drop(book);
        let mut book = Book::open(folder.path(), "one", 3).unwrap();
        assert_eq!(book.missing(), [0, 2]);
        assert_eq!(book.records()[1], SEEN);
        assert_eq!(book.fence_states(), 2);
        assert_eq!(book.seal().unwrap(), seal(folder.path()).unwrap());
    }

    #[test]
    fn another_subject_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut book = Book::open(folder.path(), "one", 2).unwrap();
        book.keep(0, SEEN, &BTreeSet::from([[1; 8]])).unwrap();
        let book = Book::open(folder.path(), "other", 2).unwrap();
        assert_eq!((book.missing().len(), book.fence_states()), (2, 0));
    }
}
