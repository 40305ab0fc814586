//! Killing a campaign, over and over.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use program::{Choose, Seeded};

use super::account::Account;
use crate::{commands::test::Context, exit::Exit, process, progress::Stage, rig, setup::cache};

/// Longest time from the beginning of a sitting, or from the last kill, to the next one.
const LONGEST: Duration = Duration::from_secs(5);

/// Percent of the kills that come before the campaign has said anything, while the lab reads and prepares.
const AT_ONCE: u32 = 10;

/// Longest that a lab may say nothing. A busy machine is no fault, a stuck lab is.
const SILENCE: Duration = Duration::from_secs(120);

/// Longest wait for something to be looked into. It may be that all there is to find was found.
const PATIENCE: Duration = Duration::from_secs(10);

/// Programs of the last part, which nobody kills.
const LAST: u64 = 200;

/// A campaign to be killed, and what it must come to.
#[derive(Clone, Copy)]
pub(super) struct Sufferer {
    /// What its command line has beside the usual.
    pub(super) words: &'static [&'static str],
    /// Of victims and moments.
    pub(super) seed: u64,
    /// Percent of the kills that wait until the campaign looks into something.
    pub(super) in_triage: u32,
    /// What it must end with. Every finding must be of that class, and repeat.
    pub(super) exit: Exit,
}

/// What was killed so far.
#[derive(Default)]
struct Kills {
    labs: u32,
    guests: u32,
    in_triage: u32,
}

/// A campaign that suffers.
pub(super) struct Ordeal<'a> {
    context: &'a Context,
    sufferer: Sufferer,
    folder: tempfile::TempDir,
    choices: Seeded,
    account: Account,
    kills: Kills,
}

impl<'a> Ordeal<'a> {
    pub(super) fn new(context: &'a Context, sufferer: Sufferer) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let place = |name| folder.path().join(name);
        Ok(Ordeal {
            context,
            sufferer,
            account: Account::new(place("campaign"), place("campaign.findings")),
            choices: Seeded::new(sufferer.seed),
            kills: Kills::default(),
            folder,
        })
    }

    /// Kills so often, then lets the campaign come to its end. What was left of one that failed stays for a look.
    pub(super) fn suffer(mut self, kills: u32) -> anyhow::Result<()> {
        let result = self.prepare().and_then(|()| self.all(kills));
        let result = result.and_then(|()| self.end());
        result.map_err(|error| {
            let left = self.folder.keep();
            error.context(format!("what is left is in {}", left.display()))
        })
    }

    /// Has another campaign build what both need: it is the search that is to be killed, and not a compiler.
    fn prepare(&self) -> anyhow::Result<()> {
        let other = self.folder.path().join("other");
        let status = self.lab(&other, 1)?.status()?;
        let code = status
            .code()
            .context("the lab was killed by somebody else")?;
        ensure!(code != 1, "the lab cannot run at all: {status}");
        Ok(())
    }

    fn all(&mut self, kills: u32) -> anyhow::Result<()> {
        let mut stage = Stage::begin("killing a campaign", Some(kills.into()));
        let mut lab = None;
        for _ in 0..kills {
            let mut running = match lab.take() {
                Some(running) => running,
                None => self.begin()?,
            };
            self.await_moment(&mut running)?;
            self.kills.in_triage += u32::from(self.suspects()? > 0);
            let guest = self.choices.chance(40) && kill_guests(running.id())?;
            match guest {
                true => {
                    self.kills.guests += 1;
                    // It boots another one and goes on.
                    lab = Some(running);
                }
                false => {
                    self.kill(running)?;
                    self.kills.labs += 1;
                }
            }
            let programs = self.account.programs();
            stage.step(&format!("{programs} programs"));
        }
        if let Some(running) = lab {
            // A part cannot be gone on with while somebody works on it.
            self.kill(running)?;
        }
        stage.done();
        Ok(())
    }

    fn kill(&mut self, mut lab: Child) -> anyhow::Result<()> {
        lab.kill()?;
        lab.wait()?;
        self.account.look()
    }

    /// Starts the lab; mostly until the campaign goes on.
    fn begin(&mut self) -> anyhow::Result<Child> {
        let before = self.account.log_length();
        let mut lab = self.lab(self.account.campaign(), u64::MAX)?.spawn()?;
        let (begin, at_once) = (Instant::now(), self.choices.chance(AT_ONCE));
        while !at_once && self.account.log_length() <= before {
            alive(&mut lab)?;
            ensure!(begin.elapsed() < SILENCE, "the campaign does not go on");
            thread::sleep(Duration::from_millis(5));
        }
        Ok(lab)
    }

    /// The lab's command line; what it says goes nowhere.
    fn lab(&self, campaign: &Path, bound: u64) -> anyhow::Result<Command> {
        let program = std::env::current_exe().context("where this program is")?;
        let mut command = process::command(program);
        command.args(["fuzz", "--programs", &bound.to_string()]);
        command.arg("--campaign").arg(campaign);
        command
            .arg("--findings")
            .arg(campaign.with_extension("findings"));
        command.args(self.sufferer.words);
        command.args(rig::kernel_arguments(&self.context.options));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }

    /// A random one, sometimes after the campaign has begun to look into something.
    fn await_moment(&mut self, lab: &mut Child) -> anyhow::Result<()> {
        let mut longest = LONGEST;
        if self.choices.chance(self.sufferer.in_triage) {
            let begin = Instant::now();
            while self.suspects()? == 0 && begin.elapsed() < PATIENCE {
                alive(lab)?;
                thread::sleep(Duration::from_millis(5));
            }
            longest /= 5;
        }
        let micros = self.choices.below(longest.as_micros() as usize);
        thread::sleep(Duration::from_micros(micros as u64));
        alive(lab)
    }

    fn suspects(&self) -> anyhow::Result<usize> {
        let folder = self.account.campaign().join("suspects");
        match folder.is_dir() {
            true => Ok(cache::entries(&folder)?.len()),
            false => Ok(0),
        }
    }

    /// A last part that ends by itself, as it would have without all this.
    fn end(&mut self) -> anyhow::Result<()> {
        let bound = self.account.programs() + LAST;
        let status = self.lab(self.account.campaign(), bound)?.status()?;
        self.account.look()?;
        let Sufferer { exit, .. } = self.sufferer;
        self.account.expect(exit)?;
        ensure!(
            status.code() == Some(exit.0.into()),
            "the last part ended with {status} instead of {}",
            exit.0
        );
        ensure!(
            self.account.programs() == bound,
            "the last part was to go on to {bound} programs, and ran {}",
            self.account.programs()
        );
        ensure!(self.suspects()? == 0, "a suspect was not looked into");
        self.account.tidy()?;
        let Kills {
            labs,
            guests,
            in_triage,
        } = self.kills;
        eprintln!(
            "{} kills, {labs} of the lab and {guests} of its guest, {in_triage} of them during triage: {}; nothing was lost",
            labs + guests,
            self.account
        );
        Ok(())
    }
}

fn alive(lab: &mut Child) -> anyhow::Result<()> {
    let ended = lab.try_wait()?;
    ensure!(ended.is_none(), "the lab ended by itself: {ended:?}");
    Ok(())
}

/// Kills the kernels that a lab has started; false if it has none just now.
fn kill_guests(lab: u32) -> anyhow::Result<bool> {
    let killed = |guest: &i32| kill(Pid::from_raw(*guest), Signal::SIGKILL).is_ok();
    // Each, though one is enough.
    Ok(guests(lab)?.iter().filter(|guest| killed(guest)).count() > 0)
}

/// Its children that are called like a kernel.
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
