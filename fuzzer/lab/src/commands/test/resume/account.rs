//! What a campaign has said so far, held against what is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest, Sha256};
use trace::ProgramHash;

use crate::{
    campaign::{self, Found, Line, Numbers, Totals, places},
    exit::Exit,
    findings,
    setup::cache,
};

/// The account. Each look adds what is told by then, and fails at anything that was told before and is no longer so.
pub(super) struct Account {
    campaign: PathBuf,
    findings: PathBuf,
    /// The whole lines of the log.
    log: Vec<u8>,
    kept: BTreeSet<String>,
    /// What was found, with a digest of its folder.
    found: BTreeMap<PathBuf, (Found, String)>,
    numbers: Numbers,
    places: usize,
    states: usize,
}

impl Account {
    pub(super) fn new(campaign: PathBuf, findings: PathBuf) -> Account {
        Account {
            campaign,
            findings,
            log: Vec::new(),
            kept: BTreeSet::new(),
            found: BTreeMap::new(),
            numbers: Numbers::default(),
            places: 0,
            states: 0,
        }
    }

    /// The campaign's folder.
    pub(super) fn campaign(&self) -> &Path {
        &self.campaign
    }

    /// Bytes of the log, torn or not.
    pub(super) fn log_length(&self) -> u64 {
        let log = self.campaign.join("log.jsonl").metadata();
        log.map_or(0, |log| log.len())
    }

    /// Programs run, as told last.
    pub(super) fn programs(&self) -> u64 {
        self.numbers.counts.programs
    }

    /// Looks at everything. Nobody may work on the campaign meanwhile.
    pub(super) fn look(&mut self) -> anyhow::Result<()> {
        self.look_at_log()?;
        self.look_at_corpus()?;
        self.look_at_findings()?;
        self.look_at_tables()
    }

    /// The log only grows, and no count in it goes back.
    fn look_at_log(&mut self) -> anyhow::Result<()> {
        let path = self.campaign.join("log.jsonl");
        let mut log = match path.exists() {
            true => fs::read(&path)?,
            false => Vec::new(),
        };
        let whole = log.iter().rposition(|byte| *byte == b'\n');
        log.truncate(whole.map_or(0, |last| last + 1));
        ensure!(log.starts_with(&self.log), "what the log told is gone");
        self.log = log;
        let mut last = Numbers::default();
        for line in campaign::log_of(&self.campaign)? {
            match line {
                Line::Kept { file, .. } => {
                    self.kept.insert(file);
                }
                Line::Finding(found) => self.find(found)?,
                Line::Progress(numbers) | Line::End { numbers, .. } => {
                    goes_on(&last, &numbers)?;
                    last = numbers;
                }
                Line::Start { .. } | Line::Dropped { .. } => {}
            }
        }
        self.numbers = last;
        Ok(())
    }

    fn find(&mut self, found: Found) -> anyhow::Result<()> {
        if !self.found.contains_key(&found.folder) {
            let digest = digest(&found.folder).context("a finding is lost")?;
            let twice = self.found.values().any(|(old, _)| old.key == found.key);
            ensure!(!twice, "found twice: {}", found.key);
            self.found.insert(found.folder.clone(), (found, digest));
        }
        Ok(())
    }

    /// Every program is what its name says, and none that was kept is gone.
    fn look_at_corpus(&self) -> anyhow::Result<()> {
        let corpus = campaign::corpus_of(&self.campaign);
        if corpus.is_dir() {
            for (path, program) in findings::programs(&corpus)? {
                let named = cache::name(&path) == campaign::program_name(&program);
                ensure!(named, "{} is not whole", path.display());
            }
        }
        let lost = self.kept.iter().find(|file| !corpus.join(file).is_file());
        ensure!(lost.is_none(), "a program of the corpus is lost: {lost:?}");
        Ok(())
    }

    /// Every folder that bears a finding's name is whole, told or not, and what was told is as it was.
    fn look_at_findings(&self) -> anyhow::Result<()> {
        for (folder, (_, told)) in &self.found {
            let now = digest(folder).context("a finding is lost")?;
            ensure!(now == *told, "{} has changed", folder.display());
        }
        if self.findings.is_dir() {
            let folders = cache::entries(&self.findings)?;
            let mut named = folders.iter().filter(|path| !is_unfinished(path));
            named.try_for_each(|folder| whole(folder))?;
        }
        Ok(())
    }

    /// What was covered and visited can be read, and has not become less.
    fn look_at_tables(&mut self) -> anyhow::Result<()> {
        let covered = places::read(&self.campaign.join("coverage.pcs"))?;
        let places = covered.map_or(0, |(_, places)| places.len());
        let states = Totals::read(&self.campaign.join("totals.json"))?.states();
        ensure!(
            places >= self.places && states >= self.states,
            "{places} places and {states} states after {} and {}",
            self.places,
            self.states
        );
        (self.places, self.states) = (places, states);
        Ok(())
    }

    /// Fails unless the campaign came to what it must: nothing found, or only what is of this class and repeats.
    pub(super) fn expect(&self, exit: Exit) -> anyhow::Result<()> {
        for (found, _) in self.found.values() {
            ensure!(
                found.exit_code == exit.0 && found.reproduced == "3/3",
                "this should not have been found: {} (exit code {}, reproduced {}), see {}",
                found.key,
                found.exit_code,
                found.reproduced,
                found.folder.display()
            );
        }
        ensure!(
            self.found.is_empty() == (exit == Exit::HELD),
            "{} findings in a campaign that must end with {}",
            self.found.len(),
            exit.0
        );
        Ok(())
    }

    /// Fails if anything half-written is left. The last part of the campaign must have ended by itself.
    pub(super) fn tidy(&self) -> anyhow::Result<()> {
        let corpus = campaign::corpus_of(&self.campaign);
        let folders = [&self.campaign, &corpus, &self.findings];
        for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
            if let Some(left) = cache::entries(folder)?
                .into_iter()
                .find(|path| is_unfinished(path))
            {
                bail!("{} was never finished, and is still there", left.display());
            }
        }
        Ok(())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} programs run, {} kept, {} findings, {} places, {} states",
            self.programs(),
            self.kept.len(),
            self.found.len(),
            self.places,
            self.states
        )
    }
}

/// Whether a file has the name of one that is being written.
fn is_unfinished(path: &Path) -> bool {
    cache::name(path).starts_with('.')
}

/// Sums of seconds are not exact in text.
const ROUNDING: f64 = 1e-6;

fn goes_on(before: &Numbers, after: &Numbers) -> anyhow::Result<()> {
    for ((name, before), (_, after)) in counts(before).into_iter().zip(counts(after)) {
        ensure!(
            after >= before - ROUNDING,
            "{name} went back from {before} to {after}"
        );
    }
    Ok(())
}

/// What never becomes less. Coverage is not among them: it is what this part has seen.
fn counts(numbers: &Numbers) -> [(&'static str, f64); 11] {
    let counts = &numbers.counts;
    let whole = |number: u64| number as f64;
    [
        ("seconds", counts.seconds),
        ("triage_seconds", counts.triage_seconds),
        ("programs", whole(counts.programs)),
        ("operations", whole(counts.operations)),
        ("repeated", whole(counts.repeated)),
        ("boots", whole(counts.boots)),
        ("fences_attached", whole(counts.fences_attached)),
        ("fences_signalled", whole(counts.fences_signalled)),
        ("fences_destroyed", whole(counts.fences_destroyed)),
        ("corpus", counts.corpus as f64),
        ("findings", numbers.findings as f64),
    ]
}

/// Fails unless a finding's folder has all that a replay and a reader need.
fn whole(folder: &Path) -> anyhow::Result<()> {
    let finding = findings::Folder::read(folder)?;
    let path = folder.join("trace.jsonl");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let file = trace::file::parse(&text).with_context(|| path.display().to_string())?;
    ensure!(
        file.program == ProgramHash::of(&finding.program),
        "{} is another program's",
        path.display()
    );
    for name in ["original.vb2", "trace.txt", "kernel.log", "report.md"] {
        let path = folder.join(name);
        ensure!(path.is_file(), "{} is missing", path.display());
    }
    Ok(())
}

/// Of all files in a folder, and of their names.
fn digest(folder: &Path) -> anyhow::Result<String> {
    let mut all = Sha256::new();
    for path in cache::entries(folder)? {
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        all.update(cache::name(&path));
        all.update(bytes.len().to_le_bytes());
        all.update(bytes);
    }
    let digest = all.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use engine::Stats;
    use program::Program;

    use super::*;
    use crate::campaign::{Folder, Identity};

    fn program() -> Program {
        "a = open double\nclose a\n".parse().unwrap()
    }

    fn progress(programs: u64) -> Line {
        let stats = Stats {
            programs,
            ..Stats::default()
        };
        Line::Progress((&stats).into())
    }

    /// A campaign that kept a program and ran some, looked at once.
    fn looked_at(place: &Path) -> (Account, Folder) {
        let identity = Identity::new(Default::default(), "7.3", "key");
        let (mut folder, _) = Folder::open(&place.join("campaign"), &identity).unwrap();
        folder.keep_told(&program()).unwrap();
        folder.tell(&progress(10)).unwrap();
        let mut account = Account::new(place.join("campaign"), place.join("findings"));
        account.look().unwrap();
        assert_eq!((account.programs(), account.kept.len()), (10, 1));
        (account, folder)
    }

    fn refused(account: &mut Account, why: &str) {
        let error = format!("{:#}", account.look().unwrap_err());
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn a_lost_program_and_a_half_written_one_are_seen() {
        let place = tempfile::tempdir().unwrap();
        let (mut account, _folder) = looked_at(place.path());
        let file = campaign::program_name(&program());
        let path = campaign::corpus_of(account.campaign()).join(file);
        fs::write(&path, "a = open double\n").unwrap();
        refused(&mut account, "is not whole");
        fs::remove_file(&path).unwrap();
        refused(&mut account, "is lost");
    }

    #[test]
    fn a_log_that_forgets_and_a_count_that_goes_back_are_seen() {
        let place = tempfile::tempdir().unwrap();
        let (mut account, mut folder) = looked_at(place.path());
        folder.tell(&progress(9)).unwrap();
        refused(&mut account, "programs went back from 10 to 9");
        fs::write(account.campaign().join("log.jsonl"), "").unwrap();
        refused(&mut account, "is gone");
    }

    #[test]
    fn a_finding_that_is_not_whole_is_seen() {
        let place = tempfile::tempdir().unwrap();
        let (mut account, mut folder) = looked_at(place.path());
        let finding = account.findings.join("I9-x");
        fs::create_dir_all(&finding).unwrap();
        refused(&mut account, "finding.json");
        fs::remove_dir(&finding).unwrap();
        let found = Found {
            key: engine::Key {
                invariant: "I9".into(),
                title: "x".into(),
            },
            folder: finding,
            exit_code: 11,
            reproduced: "3/3".into(),
            operations: 1,
            beside: Vec::new(),
        };
        folder.tell(&Line::Finding(found)).unwrap();
        refused(&mut account, "a finding is lost");
    }

    #[test]
    fn what_was_not_finished_is_seen_at_the_end() {
        let place = tempfile::tempdir().unwrap();
        let (account, _folder) = looked_at(place.path());
        fs::create_dir_all(&account.findings).unwrap();
        account.tidy().unwrap();
        fs::write(account.findings.join(".x.1-0.new"), "").unwrap();
        assert!(account.tidy().is_err());
    }
}
