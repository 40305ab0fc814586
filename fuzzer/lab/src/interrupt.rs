//! Ctrl-C and its kin: children die with the lab, and nothing half-made stays.
//!
//! Children run in process groups of their own, so the terminal's Ctrl-C reaches the lab alone. The lab knows the groups
//! it has started and the folders that are not whole yet; a signal kills the former and removes the latter. A campaign
//! that wants to stop in an orderly way holds a [`Graceful`] and asks [`requested`]; a second signal does not wait for it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::exit,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::terminal;

static REQUESTED: AtomicBool = AtomicBool::new(false);
static ENDING: AtomicBool = AtomicBool::new(false);
static GRACEFUL: AtomicUsize = AtomicUsize::new(0);
static KEPT: Mutex<Kept> = Mutex::new(Kept {
    groups: BTreeSet::new(),
    scraps: BTreeSet::new(),
});

/// What a signal has to end.
struct Kept {
    groups: BTreeSet<i32>,
    scraps: BTreeSet<PathBuf>,
}

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Starts the thread that waits for signals. Called once, by `main`.
pub fn install() -> anyhow::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    // Who starts the lab with nohup(1) wants it to outlive the terminal.
    let heard = [SIGINT, SIGTERM, SIGHUP].into_iter();
    let heard = heard.filter(|signal| *signal != SIGHUP || !ignores(&status, SIGHUP));
    let mut signals = Signals::new(heard).context("signal handlers")?;
    let wait = move || signals.forever().for_each(on_signal);
    thread::Builder::new()
        .name("signals".into())
        .spawn(wait)
        .context("signal thread")?;
    Ok(())
}

/// Whether the process whose `/proc/PID/status` this is ignores the signal.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

fn on_signal(signal: i32) {
    let first = !REQUESTED.swap(true, Ordering::SeqCst);
    if first && GRACEFUL.load(Ordering::SeqCst) > 0 {
        if !terminal::is_taken() {
            eprintln!("stopping; once more stops at once");
        }
        return;
    }
    ENDING.store(true, Ordering::SeqCst);
    terminal::give_back();
    let kept = kept();
    kept.groups.iter().for_each(|group| kill(*group));
    if !kept.scraps.is_empty() {
        eprintln!("removing what is half-made");
    }
    kept.scraps.iter().for_each(|path| remove(path));
    eprintln!("ended by signal {signal}");
    exit(128 + signal);
}

fn kill(group: i32) {
    // The group may be gone already; that is what is wanted.
    let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
}

/// A dying compiler may still put a file into the folder while it is being removed, hence the repetition.
fn remove(path: &Path) {
    for _ in 0..20 {
        if std::fs::remove_dir_all(path).is_ok() || !path.exists() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// True once a signal asked the lab to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// Never returns if the lab is being ended by a signal: a child's death is no error worth telling then.
pub fn hold_if_ending() {
    while ENDING.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// While one is held, the first signal only makes [`requested`] true.
#[derive(Debug)]
pub struct Graceful(());

impl Graceful {
    /// Begins the stretch in which the caller looks at [`requested`] often.
    pub fn hold() -> Graceful {
        GRACEFUL.fetch_add(1, Ordering::SeqCst);
        Graceful(())
    }
}

impl Drop for Graceful {
    fn drop(&mut self) {
        GRACEFUL.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A process group that the lab started; killed when dropped and when a signal ends the lab.
#[derive(Debug)]
pub struct Group(i32);

impl Group {
    /// Takes charge of the group that the process `leader` leads.
    pub fn of(leader: u32) -> Group {
        let group = i32::try_from(leader).expect("a process id is a positive i32");
        kept().groups.insert(group);
        Group(group)
    }

    /// Kills every process of the group.
    pub fn kill(&self) {
        kill(self.0);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut kept = kept();
        self.kill();
        kept.groups.remove(&self.0);
    }
}

/// A folder that goes away unless [`Scrap::keep`] says that it is whole.
#[derive(Debug)]
pub struct Scrap(Option<PathBuf>);

impl Scrap {
    /// Makes the folder.
    pub fn make(path: PathBuf) -> anyhow::Result<Scrap> {
        kept().scraps.insert(path.clone());
        let scrap = Scrap(Some(path));
        std::fs::create_dir_all(scrap.path())
            .with_context(|| scrap.path().display().to_string())?;
        Ok(scrap)
    }

    /// Takes charge of a folder that is there already.
    pub fn take(path: PathBuf) -> Scrap {
        kept().scraps.insert(path.clone());
        Scrap(Some(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0
            .as_deref()
            .expect("only keep() takes the path, and consumes the scrap")
    }

    /// Renames the whole folder into place.
    pub fn keep(mut self, place: &Path) -> anyhow::Result<()> {
        let path = self
            .0
            .take()
            .expect("only keep() takes the path, and consumes the scrap");
        // The lock is held over the rename so that a signal finds either the scrap or the finished folder.
        let mut kept = kept();
        std::fs::rename(&path, place)
            .with_context(|| format!("{} to {}", path.display(), place.display()))?;
        kept.scraps.remove(&path);
        Ok(())
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            remove(&path);
            kept().scraps.remove(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_stays_ignored() {
        let status = "Name:\tlab\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert!(ignores(status, SIGHUP));
        assert!(!ignores(status, SIGINT) && !ignores("", SIGHUP));
    }

    #[test]
    fn a_scrap_goes_unless_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (half, whole, place) = (
            folder.path().join("half"),
            folder.path().join("new"),
            folder.path().join("whole"),
        );
        drop(Scrap::make(half.clone()).unwrap());
        assert!(!half.exists());
        Scrap::make(whole.clone()).unwrap().keep(&place).unwrap();
        assert!(place.exists() && !whole.exists());
    }
}
