//! A campaign's folder: whose it is, what is in it, and what the next start makes of that.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use engine::{Stats, store};
use program::Program;
use serde::{Deserialize, Serialize};
use trace::ProgramHash;

use super::{
    log::{self, Bounded, Found, Line, Log},
    places,
    sync::Syncer,
    totals::Totals,
};
use crate::{
    exit::malformed,
    findings::{self, Setup},
    json,
    setup::cache,
};

/// Version of the folder's form; another one is refused.
const VERSION: u32 = 1;

const CAMPAIGN: &str = "campaign.json";
const CORPUS: &str = "corpus";
const SUSPECTS: &str = "suspects";
const LOG: &str = "log.jsonl";
const LOCK: &str = "lock";
/// See [`super::places`].
pub(super) const PLACES: &str = "coverage.pcs";
/// See [`super::totals`].
pub(super) const TOTALS: &str = "totals.json";

/// The content of `campaign.json`: what is searched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    version: u32,
    /// Driver, bug and attach point.
    #[serde(flatten)]
    pub setup: Setup,
    /// `uname -r` of the last start.
    pub kernel: String,
    /// Key of the build of the last start.
    pub build: String,
}

impl Identity {
    /// The identity of a campaign on this set-up and build.
    pub fn new(setup: Setup, kernel: &str, build: &str) -> Identity {
        Identity {
            version: VERSION,
            setup,
            kernel: kernel.to_owned(),
            build: build.to_owned(),
        }
    }

    /// That of a folder, if it has one.
    pub fn read(folder: &Path) -> anyhow::Result<Option<Identity>> {
        let path = folder.join(CAMPAIGN);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let identity: Identity = serde_json::from_slice(&bytes)
            .map_err(|error| malformed(format!("{}: {error}", path.display())))?;
        match identity.version {
            VERSION => Ok(Some(identity)),
            other => Err(malformed(format!(
                "{}: version {other}, expected {VERSION}: name another folder, or begin anew with --fresh",
                path.display()
            ))),
        }
    }
}

/// What a campaign's folder held when it was opened.
#[derive(Debug, Default)]
pub struct Before {
    /// Programs worth keeping, in the order of their names.
    pub corpus: Vec<Program>,
    /// Programs whose triage did not end.
    pub suspects: Vec<Program>,
    /// The part that was killed, if the last one was.
    pub killed: Option<Killed>,
    /// Whether the kernel or the modules are others than the last time.
    pub other_build: bool,
}

/// A part that has no end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Killed {
    /// Its seed.
    pub seed: u64,
    /// How far it was to go.
    pub bound: Option<Bounded>,
    /// Its counts.
    pub stats: Stats,
    /// What it found.
    pub found: Vec<Found>,
}

/// A folder that nobody else writes to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    kept: BTreeSet<String>,
    log: Log,
    _syncer: Syncer,
    _lock: File,
}

impl Folder {
    /// Opens the folder of a campaign, or makes it. Anything in it that cannot be read, and a folder of another campaign, are
    /// refused before anything is changed.
    pub fn open(path: &Path, identity: &Identity) -> anyhow::Result<(Folder, Before)> {
        let old = Identity::read(path)?;
        if let Some(old) = &old {
            ensure!(
                old.setup == identity.setup,
                malformed(format!(
                    "{} is a campaign on another target (driver {}, plant {}, attach {}): name another folder",
                    path.display(),
                    old.setup.driver,
                    old.setup.plant.as_deref().unwrap_or("none"),
                    old.setup.attach
                ))
            );
        }
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        let lock = lock(path)?;
        if old.is_some() {
            drop_emptied(path)?;
        }
        let mut before = look(path)?;
        before.other_build = old.is_some_and(|old| old.build != identity.build);
        for folder in [CORPUS, SUSPECTS] {
            let folder = path.join(folder);
            fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
            store::sweep(&folder)?;
        }
        store::sweep(path)?;
        store::write(&path.join(CAMPAIGN), json::text(identity)?.as_bytes())?;
        let folder = Folder {
            path: path.to_owned(),
            kept: before.corpus.iter().map(name).collect(),
            log: Log::open(&path.join(LOG))?,
            _syncer: Syncer::begin(path)?,
            _lock: lock,
        };
        Ok((folder, before))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Programs in the corpus.
    pub fn corpus(&self) -> usize {
        self.kept.len()
    }

    /// Keeps a program; gives its name if it is new.
    pub fn keep(&mut self, program: &Program) -> anyhow::Result<Option<String>> {
        let name = name(program);
        if !self.kept.insert(name.clone()) {
            return Ok(None);
        }
        let path = self.path.join(CORPUS).join(&name);
        store::place(&path, program.to_string().as_bytes())?;
        Ok(Some(name))
    }

    /// Keeps a program that was not run here, and says so in the log.
    pub fn keep_told(&mut self, program: &Program) -> anyhow::Result<()> {
        match self.keep(program)? {
            Some(file) => self.tell(&Line::Kept { file, programs: 0 }),
            None => Ok(()),
        }
    }

    /// Removes a program of the corpus, and says so in the log before.
    pub fn drop_told(&mut self, program: &Program) -> anyhow::Result<()> {
        let file = name(program);
        let path = self.path.join(CORPUS).join(&file);
        self.kept.remove(&file);
        self.tell(&Line::Dropped { file })?;
        fs::remove_file(&path).with_context(|| path.display().to_string())
    }

    /// Keeps a suspect until it is settled.
    pub fn suspect(&mut self, program: &Program) -> anyhow::Result<()> {
        let path = self.path.join(SUSPECTS).join(name(program));
        store::place(&path, program.to_string().as_bytes())
    }

    /// Forgets a suspect: its finding is kept, or it is none.
    pub fn settle(&mut self, program: &Program) -> anyhow::Result<()> {
        let path = self.path.join(SUSPECTS).join(name(program));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => Ok(()),
        }
    }

    /// Adds a line to the log.
    pub fn tell(&mut self, line: &Line) -> anyhow::Result<()> {
        self.log.add(line)
    }
}

/// Removes what a campaign left in its folder. A folder that is none is refused.
pub fn forget(path: &Path) -> anyhow::Result<()> {
    if !path.exists() || cache::entries(path)?.is_empty() {
        return Ok(());
    }
    ensure!(
        path.join(CAMPAIGN).exists(),
        malformed(format!(
            "{} is no campaign's folder: nothing in it is removed",
            path.display()
        ))
    );
    let _lock = lock(path)?;
    for folder in [CORPUS, SUSPECTS] {
        let folder = path.join(folder);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
    }
    for file in [LOG, PLACES, TOTALS, CAMPAIGN] {
        let file = path.join(file);
        if file.exists() {
            fs::remove_file(&file).with_context(|| file.display().to_string())?;
        }
    }
    Ok(())
}

/// Where the programs are.
pub fn corpus_of(path: &Path) -> PathBuf {
    path.join(CORPUS)
}

/// Reads the log of a campaign.
pub fn log_of(path: &Path) -> anyhow::Result<Vec<Line>> {
    log::read(&path.join(LOG))
}

/// Whether a campaign was killed and nobody has gone on with it.
pub fn is_killed(path: &Path) -> bool {
    lock(path).is_ok() && log_of(path).is_ok_and(|lines| killed(&lines).is_some())
}

/// The file name of a program in a corpus.
pub fn name(program: &Program) -> String {
    format!("{}.vb2", ProgramHash::of(program))
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let place = path.join(LOCK);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    let file = options
        .open(&place)
        .with_context(|| place.display().to_string())?;
    ensure!(
        cache::try_lock(&file)?,
        "another lab works on the campaign in {}: wait for it, or name another folder",
        path.display()
    );
    Ok(file)
}

fn look(path: &Path) -> anyhow::Result<Before> {
    let programs = |name: &str| {
        let folder = path.join(name);
        match folder.is_dir() {
            true => findings::programs(&folder),
            false => Ok(Vec::new()),
        }
    };
    let plain = |programs: Vec<(PathBuf, Program)>| {
        programs.into_iter().map(|(_, program)| program).collect()
    };
    let killed = killed(&log_of(path)?);
    // Whoever works on the campaign reads these anew.
    places::read(&path.join(PLACES))?;
    Totals::read(&path.join(TOTALS))?;
    let suspects = plain(programs(SUSPECTS)?);
    Ok(Before {
        corpus: plain(programs(CORPUS)?),
        suspects,
        killed,
        other_build: false,
    })
}

/// Removes the files of programs that are empty: no campaign writes one, but a file system that lost its power keeps a name
/// without the content that was never synced.
fn drop_emptied(path: &Path) -> anyhow::Result<()> {
    for folder in [CORPUS, SUSPECTS].map(|name| path.join(name)) {
        if !folder.is_dir() {
            continue;
        }
        for file in cache::entries(&folder)? {
            let emptied =
                fs::metadata(&file).is_ok_and(|found| found.is_file() && found.len() == 0);
            if emptied {
                fs::remove_file(&file).with_context(|| file.display().to_string())?;
            }
        }
    }
    Ok(())
}

/// The last part, if it has no end.
fn killed(lines: &[Line]) -> Option<Killed> {
    let mut part = None;
    for line in lines {
        match line {
            Line::Start {
                resumed: false,
                seed,
                bound,
                ..
            } => {
                part = Some(Killed {
                    seed: *seed,
                    bound: Some(*bound),
                    stats: Stats::default(),
                    found: Vec::new(),
                });
            }
            Line::Start { bound, .. } => {
                if let Some(part) = &mut part {
                    part.bound = Some(*bound);
                }
            }
            Line::Progress(numbers) => {
                if let Some(part) = &mut part {
                    part.stats = numbers.stats();
                }
            }
            Line::Finding(found) => {
                if let Some(part) = &mut part {
                    part.found.push(found.clone());
                }
            }
            Line::End { .. } => part = None,
            Line::Kept { .. } | Line::Dropped { .. } => {}
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{Exit, of_error};

    fn identity() -> Identity {
        Identity::new(Setup::default(), "7.3", "key")
    }

    fn program() -> Program {
        "a = open double\nclose a\n".parse().unwrap()
    }

    fn start(seed: u64, resumed: bool) -> Line {
        Line::Start {
            time: 0,
            resumed,
            seed,
            instances: 1,
            bound: Bounded::Programs(10),
            kernel: String::new(),
            build: String::new(),
        }
    }

    #[test]
    fn what_was_kept_is_there_at_the_next_start() {
        let place = tempfile::tempdir().unwrap();
        let (mut folder, before) = Folder::open(place.path(), &identity()).unwrap();
        assert!(before.corpus.is_empty() && before.killed.is_none());
        assert!(folder.keep(&program()).unwrap().is_some());
        assert!(folder.keep(&program()).unwrap().is_none(), "kept twice");
        folder.suspect(&program()).unwrap();
        folder.tell(&start(7, false)).unwrap();
        drop(folder);
        assert!(is_killed(place.path()));
        let (mut folder, before) = Folder::open(place.path(), &identity()).unwrap();
        assert_eq!(
            (before.corpus, before.suspects),
            (vec![program()], vec![program()])
        );
        assert_eq!(before.killed.unwrap().seed, 7);
        folder.settle(&program()).unwrap();
        folder.settle(&program()).unwrap();
        let end = Line::End {
            ended: "done".into(),
            numbers: Default::default(),
        };
        folder.tell(&end).unwrap();
        drop(folder);
        let (_, before) = Folder::open(place.path(), &identity()).unwrap();
        assert!(before.suspects.is_empty() && before.killed.is_none());
    }

    #[test]
    fn a_program_that_lost_its_content_is_no_program() {
        let place = tempfile::tempdir().unwrap();
        drop(Folder::open(place.path(), &identity()).unwrap());
        let emptied = corpus_of(place.path()).join(name(&program()));
        fs::write(&emptied, "").unwrap();
        let (mut folder, before) = Folder::open(place.path(), &identity()).unwrap();
        assert!(before.corpus.is_empty() && !emptied.exists());
        assert!(folder.keep(&program()).unwrap().is_some(), "not kept again");
    }

    #[test]
    fn one_lab_at_a_time_and_one_target() {
        let place = tempfile::tempdir().unwrap();
        let (_folder, _) = Folder::open(place.path(), &identity()).unwrap();
        let error = Folder::open(place.path(), &identity()).unwrap_err();
        assert!(error.to_string().contains("another lab"), "{error}");
        let other = Setup {
            driver: "vim2m".into(),
            ..Setup::default()
        };
        let error = Folder::open(place.path(), &Identity::new(other, "7.3", "key")).unwrap_err();
        assert!(error.to_string().contains("another target"), "{error}");
    }

    #[test]
    fn a_malformed_corpus_is_refused_and_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let corpus = corpus_of(place.path());
        fs::create_dir(&corpus).unwrap();
        fs::write(corpus.join("bad.vb2"), "fly a\n").unwrap();
        let error = Folder::open(place.path(), &identity()).unwrap_err();
        assert_eq!(of_error(&error), Exit::MALFORMED);
        assert!(error.to_string().contains("bad.vb2"), "{error}");
        assert!(!place.path().join(CAMPAIGN).exists());
    }

    #[test]
    fn only_a_campaign_is_forgotten() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("thesis.txt");
        fs::write(&file, "x").unwrap();
        assert!(forget(place.path()).is_err() && file.exists());
        fs::remove_file(&file).unwrap();
        let (mut folder, _) = Folder::open(place.path(), &identity()).unwrap();
        folder.keep(&program()).unwrap();
        drop(folder);
        forget(place.path()).unwrap();
        let (folder, before) = Folder::open(place.path(), &identity()).unwrap();
        assert_eq!((folder.corpus(), before.corpus.len()), (0, 0));
    }

    #[test]
    fn a_resumed_part_is_the_same_part() {
        let progress = |programs| {
            let stats = Stats {
                programs,
                ..Stats::default()
            };
            Line::Progress((&stats).into())
        };
        let lines = [start(7, false), progress(5), start(7, true), progress(9)];
        let part = killed(&lines).unwrap();
        assert_eq!((part.seed, part.stats.programs), (7, 9));
    }
}
