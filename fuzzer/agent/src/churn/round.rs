//! One round: processes use the double and end in all ways, what they held is passed on, the double goes and comes back.

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use program::{Choose, Seeded};

use super::Done;
use super::client::{Client, Script};
use super::ground::{Ground, within_patience};
use super::held::{Held, Kind, shuffle};
use crate::sys::clock::{self, MILLISECOND};

/// Most processes at a time.
const CLIENTS: usize = 3;

/// A round as it is played.
pub(super) struct Round<'a> {
    ground: &'a mut Ground,
    choose: Seeded,
    done: &'a mut Done,
    held: Vec<Held>,
}

impl<'a> Round<'a> {
    pub(super) fn new(ground: &'a mut Ground, choose: Seeded, done: &'a mut Done) -> Self {
        Self {
            ground,
            choose,
            done,
            held: Vec::new(),
        }
    }

    /// Plays it. Nothing is held when it is over.
    pub(super) fn play(mut self) -> Result<()> {
        let mut clients = Vec::new();
        for _ in 0..=self.choose.below(CLIENTS) {
            clients.push(self.start()?);
        }
        shuffle(&mut self.choose, &mut clients);
        for client in clients {
            self.end(client)?;
        }
        self.close_files()?;
        self.reload()
    }

    /// Starts a process, perhaps with a file that somebody else has opened.
    fn start(&mut self) -> Result<Client> {
        let given = match self.choose.chance(30) {
            true => Some(Held::own(Kind::Video, self.ground.open()?)),
            false => None,
        };
        let script = Script::choose(&mut self.choose);
        let client = Client::start(self.ground, &script, given.as_ref())?;
        self.done.clients += 1;
        self.done.inherited += u64::from(given.is_some());
        // Open here as well, the file outlives the process, or it does not.
        self.held.extend(given.filter(|_| self.choose.chance(50)));
        Ok(client)
    }

    /// Takes some of what a process has, and sees it to its end.
    fn end(&mut self, client: Client) -> Result<()> {
        for (kind, fd) in client.ready()? {
            let percent = if kind == Kind::Video { 20 } else { 60 };
            if self.choose.chance(percent) {
                self.held.push(Held::take(client.pid, kind, fd)?);
                self.done.passed += 1;
            }
        }
        client.go_on()?;
        clock::sleep(self.choose.below(4) as u64 * MILLISECOND / 2);
        if client.is_killed {
            kill(client.pid, Signal::SIGKILL)?;
            self.done.killed += 1;
        }
        reap(&client)
    }

    /// Closes what is held in any order, until no video file is left. Before that the double cannot be unloaded.
    fn close_files(&mut self) -> Result<()> {
        shuffle(&mut self.choose, &mut self.held);
        if self.held.iter().any(|held| held.kind == Kind::Video) {
            self.ground.refuse_to_unload()?;
            self.done.refused += 1;
        }
        while self.held.iter().any(|held| held.kind == Kind::Video) {
            self.held.pop();
        }
        Ok(())
    }

    /// Unloads the double under what is still held, which must go on answering, and loads it again before or after that
    /// is closed.
    fn reload(mut self) -> Result<()> {
        self.ground.unload()?;
        self.done.survivors += self.held.len() as u64;
        for held in &self.held {
            held.answers().with_context(|| format!("{:?}", held.kind))?;
        }
        let before = self.choose.below(self.held.len() + 1);
        self.held.truncate(before);
        self.ground.load()?;
        for held in &self.held {
            held.answers().with_context(|| format!("{:?}", held.kind))?;
        }
        Ok(())
    }
}

/// Waits for the end of a process, and for the end that it should have.
fn reap(client: &Client) -> Result<()> {
    let mut ended = Err(Errno::EAGAIN);
    within_patience(|| {
        ended = waitpid(client.pid, Some(WaitPidFlag::WNOHANG));
        !matches!(ended, Ok(WaitStatus::StillAlive))
    });
    let expected = match client.is_killed {
        true => WaitStatus::Signaled(client.pid, Signal::SIGKILL, false),
        false => WaitStatus::Exited(client.pid, 0),
    };
    ensure!(
        ended == Ok(expected),
        "a process that {} ended with {ended:?}",
        client.story
    );
    Ok(())
}
