//! Campaigns that are killed at any moment: what they said is kept is there, and the next start goes on.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use program::{Choose, Seeded};

use super::{Check, Context};
use crate::{
    campaign::{self, Line},
    findings, process, rig,
    setup::cache,
};

/// Longest time from a start to the kill.
const LONGEST: Duration = Duration::from_secs(5);

/// Longest that a campaign may say nothing. A busy machine is no fault, a stuck lab is.
const PATIENCE: Duration = Duration::from_secs(120);

/// A check with the lab killed, and one with the guest killed as well.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("resume: kill -9 of lab or guest loses nothing", |context| {
            let mut ordeal = Ordeal::new(context, &[], 1)?;
            for round in 0..context.kills {
                ordeal.round(match round % 2 {
                    0 => Moment::Any,
                    _ => Moment::AfterGuest,
                })?;
            }
            ordeal.end()
        }),
        Check::new(
            "resume: kill -9 while findings are made loses none",
            |context| {
                let mut ordeal = Ordeal::new(context, &["--attach", "buf_queue"], 2)?;
                for round in 0..context.kills {
                    match round % 2 {
                        0 => ordeal.round(Moment::InTriage)?,
                        _ => ordeal.round(Moment::Any)?,
                    }
                }
                ordeal.end()?;
                ensure!(!ordeal.found.is_empty(), "nothing was found");
                Ok(())
            },
        ),
    ]
}

/// When the lab is killed.
#[derive(Clone, Copy, PartialEq)]
enum Moment {
    /// At a random time after its start.
    Any,
    /// At a random time after its guest was killed and it has gone on.
    AfterGuest,
    /// At a random time after it has begun to look into a finding.
    InTriage,
}

/// A campaign that suffers, and what it said so far.
struct Ordeal<'a> {
    context: &'a Context,
    words: &'static [&'static str],
    folder: tempfile::TempDir,
    moments: Seeded,
    kept: BTreeSet<String>,
    found: BTreeSet<PathBuf>,
    programs: u64,
}

impl<'a> Ordeal<'a> {
    fn new(
        context: &'a Context,
        words: &'static [&'static str],
        seed: u64,
    ) -> anyhow::Result<Self> {
        Ok(Ordeal {
            context,
            words,
            folder: tempfile::tempdir()?,
            moments: Seeded::new(seed),
            kept: BTreeSet::new(),
            found: BTreeSet::new(),
            programs: 0,
        })
    }

    fn campaign(&self) -> PathBuf {
        self.folder.path().join("campaign")
    }

    fn lab(&self, bound: u64) -> anyhow::Result<Command> {
        let program = std::env::current_exe().context("where this program is")?;
        let mut command = process::command(program);
        command.args(["fuzz", "--programs", &bound.to_string()]);
        command.arg("--campaign").arg(self.campaign());
        let findings = self.folder.path().join("findings");
        command.arg("--findings").arg(findings).args(self.words);
        command.args(rig::kernel_arguments(&self.context.options));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }

    /// Starts the campaign, kills the lab, and looks.
    fn round(&mut self, moment: Moment) -> anyhow::Result<()> {
        let mut lab = self.lab(u64::MAX)?.spawn()?;
        match moment {
            Moment::Any => {}
            Moment::AfterGuest => self.kill_guest(&mut lab)?,
            Moment::InTriage => {
                let known = self.folder.path().join("findings");
                let count = || cache::entries(&known).map_or(0, |found| found.len());
                let before = count();
                let begun = || Ok(self.suspects()? > 0 || count() > before);
                await_that(&mut lab, begun)?;
            }
        }
        thread::sleep(self.moment());
        lab.kill()?;
        lab.wait()?;
        self.look()
    }

    fn suspects(&self) -> anyhow::Result<usize> {
        let folder = self.campaign().join("suspects");
        match folder.is_dir() {
            true => Ok(cache::entries(&folder)?.len()),
            false => Ok(0),
        }
    }

    fn moment(&mut self) -> Duration {
        Duration::from_millis(self.moments.below(LONGEST.as_millis() as usize) as u64)
    }

    /// The lab boots another one and goes on.
    fn kill_guest(&mut self, lab: &mut Child) -> anyhow::Result<()> {
        let before = self.told()?;
        await_that(lab, || Ok(self.told()? > before))?;
        thread::sleep(self.moment());
        let guests = guests(lab.id())?;
        ensure!(!guests.is_empty(), "the lab has no guest");
        for guest in guests {
            // It may have been replaced in between.
            let _ = kill(Pid::from_raw(guest), Signal::SIGKILL);
        }
        let killed = self.told()?;
        await_that(lab, || Ok(self.told()? > killed))
    }

    /// Programs that the log tells of.
    fn told(&self) -> anyhow::Result<u64> {
        let lines = campaign::log_of(&self.campaign())?;
        let programs = |line: &Line| match line {
            Line::Progress(numbers) => Some(numbers.counts.programs),
            _ => None,
        };
        Ok(lines.iter().rev().find_map(programs).unwrap_or(0))
    }

    /// Everything that was ever told is there and whole, and no count went back.
    fn look(&mut self) -> anyhow::Result<()> {
        for line in campaign::log_of(&self.campaign())? {
            match line {
                Line::Kept { file, .. } => {
                    self.kept.insert(file);
                }
                Line::Finding(found) => {
                    self.found.insert(found.folder);
                }
                _ => {}
            }
        }
        self.whole()?;
        let told = self.told()?;
        ensure!(
            told >= self.programs,
            "{told} programs after {}: the next start forgot some",
            self.programs
        );
        self.programs = told;
        Ok(())
    }

    fn whole(&self) -> anyhow::Result<()> {
        let corpus = campaign::corpus_of(&self.campaign());
        if corpus.is_dir() {
            // Every file parses, and is what its name says.
            for (path, program) in findings::programs(&corpus)? {
                ensure!(
                    cache::name(&path) == campaign::program_name(&program),
                    "{} is not whole",
                    path.display()
                );
            }
        }
        let lost = self.kept.iter().find(|file| !corpus.join(file).is_file());
        ensure!(lost.is_none(), "a program of the corpus is lost: {lost:?}");
        for folder in &self.found {
            findings::Folder::read(folder).with_context(|| "a finding is lost")?;
        }
        Ok(())
    }

    /// A last part that ends by itself, as it would have without all this, with the code of what was found first.
    fn end(&mut self) -> anyhow::Result<()> {
        let status = self.lab(self.programs + 200)?.status()?;
        self.look()?;
        let first = campaign::log_of(&self.campaign())?
            .into_iter()
            .find_map(|line| match line {
                Line::Finding(found) => Some(i32::from(found.exit_code)),
                _ => None,
            });
        ensure!(
            status.code() == Some(first.unwrap_or(0)),
            "the last part ended with {status}, what was found first asks for {first:?}"
        );
        ensure!(self.programs >= 200, "the campaign did not go on");
        ensure!(self.suspects()? == 0, "a suspect was not looked into");
        let mut found = BTreeSet::new();
        for folder in &self.found {
            let key = findings::Folder::read(folder)?.record.key();
            ensure!(found.insert(key.clone()), "found twice: {key}");
        }
        eprintln!(
            "{} programs run, {} kept, {} findings; nothing was lost",
            self.programs,
            self.kept.len(),
            self.found.len()
        );
        Ok(())
    }
}

fn await_that(lab: &mut Child, come: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let begin = Instant::now();
    while !come()? {
        if let Some(status) = lab.try_wait()? {
            bail!("the lab ended by itself: {status}");
        }
        ensure!(begin.elapsed() < PATIENCE, "the campaign does not go on");
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The kernels that a lab has started: its children that are called like one.
fn guests(lab: u32) -> anyhow::Result<Vec<i32>> {
    let mut guests = Vec::new();
    for folder in cache::entries(Path::new("/proc"))? {
        let Ok(process) = cache::name(&folder).parse() else {
            continue;
        };
        // One that is gone by now is no guest.
        let stat = fs::read_to_string(folder.join("stat")).unwrap_or_default();
        if parent(&stat) == Some(lab) && stat.contains("(linux") {
            guests.push(process);
        }
    }
    Ok(guests)
}

/// `PID (NAME) STATE PARENT …`
fn parent(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_s_parent_is_read() {
        assert_eq!(parent("12 (a (b) c) S 7 12 12 0"), Some(7));
        let own = fs::read_to_string("/proc/self/stat").unwrap();
        assert_eq!(parent(&own), Some(std::os::unix::process::parent_id()));
    }
}
