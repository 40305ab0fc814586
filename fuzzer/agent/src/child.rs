//! A program file as a child process: started like any program of the target, watched, and ended with all that it started.

use std::io::{PipeReader, pipe};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child as Process, Command, ExitStatus, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use trace::wire::{Ended, MAX_OUTPUT};

use crate::sys::clock;
use crate::sys::file;

/// What a pipe holds, and thereby what one read takes.
const PIPE: usize = 64 << 10;

/// A running child.
pub(crate) struct Child {
    process: Process,
    group: Pid,
    ended: OwnedFd,
    output: Output,
    errors: Output,
}

impl Child {
    /// Starts the file `argv[0]` in a process group of its own, without what the agent has for itself: blocked signals,
    /// descriptors, and real-time priority, which a fork(2) resets. Nothing here needs a copy of the agent's memory, whose
    /// pages would be fetched again one by one, or a socket, which a small kernel does not have: std then takes
    /// posix_spawn(3).
    pub(crate) fn start(argv: &[String]) -> nix::Result<Self> {
        let (name, arguments) = argv.split_first().ok_or(Errno::EINVAL)?;
        if !name.starts_with('/') {
            return Err(Errno::ENOENT);
        }
        let (output, stdout) = pipe().map_err(errno)?;
        let (errors, stderr) = pipe().map_err(errno)?;
        let mut command = Command::new(name);
        command.args(arguments).env_clear().process_group(0);
        command
            .env("HOME", "/tmp")
            .env("TMPDIR", "/tmp")
            .env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let process = command.spawn().map_err(errno)?;
        let group = Pid::from_raw(process.id() as libc::pid_t);
        Ok(Self {
            ended: pidfd(group)?,
            process,
            group,
            output: Output::of(output),
            errors: Output::of(errors),
        })
    }

    /// Takes in what it writes until it ends, its time is over, or so many nanoseconds have passed. True if it ended.
    pub(crate) fn watch(&mut self, nanoseconds: u64) -> nix::Result<bool> {
        let mut entries = [
            entry(self.ended.as_raw_fd()),
            self.output.entry(),
            self.errors.entry(),
        ];
        file::poll_all(&mut entries, nanoseconds)?;
        let [ended, output, errors] = entries.map(|entry| entry.revents != 0);
        if output {
            self.output.take_in();
        }
        if errors {
            self.errors.take_in();
        }
        Ok(ended)
    }

    /// Kills it and whatever of its group lives.
    pub(crate) fn kill(&self) {
        // The group may be gone already; that is what is wanted.
        let _ = killpg(self.group, Signal::SIGKILL);
        if std::process::id() == 1 {
            // What left the group is no part of the target either: there is nobody but the agent and its child.
            let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        }
    }

    /// Buries it after it has ended, and takes the rest of its output.
    pub(crate) fn bury(mut self) -> (Ended, Vec<u8>, Vec<u8>) {
        self.kill();
        let ended = self.process.wait().map_or(Ended::TimedOut, how);
        reap_orphans();
        (ended, self.output.rest(), self.errors.rest())
    }

    /// What it wrote so far, of a child that does not even die.
    pub(crate) fn abandon(mut self) -> (Vec<u8>, Vec<u8>) {
        (self.output.so_far(), self.errors.so_far())
    }
}

fn errno(error: std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// A descriptor that becomes readable when the process ends.
fn pidfd(process: Pid) -> nix::Result<OwnedFd> {
    // SAFETY: pidfd_open takes numbers only.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0) };
    let fd = Errno::result(fd)?;
    // SAFETY: the descriptor is fresh and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

fn entry(fd: i32) -> libc::pollfd {
    libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    }
}

fn how(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited(code),
        (None, signal) => Ended::Killed(signal.unwrap_or(0)),
    }
}

/// Pid 1 inherits what the child left behind; it is dead or dying.
fn reap_orphans() {
    if std::process::id() != 1 {
        return;
    }
    while let Ok(status) = waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            clock::sleep(clock::MILLISECOND);
        }
    }
}

/// The reading end of one of its outputs.
struct Output {
    pipe: Option<PipeReader>,
    taken: Vec<u8>,
}

impl Output {
    fn of(pipe: PipeReader) -> Self {
        // SAFETY: fcntl with these arguments takes no pointers.
        unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        Self {
            pipe: Some(pipe),
            taken: Vec::new(),
        }
    }

    /// For poll(2), which passes over a negative descriptor.
    fn entry(&self) -> libc::pollfd {
        entry(self.pipe.as_ref().map_or(-1, AsRawFd::as_raw_fd))
    }

    /// Reads once; what is too much is read and dropped, so that the child never waits for us. False at the end.
    fn take_in(&mut self) -> bool {
        let Some(pipe) = &self.pipe else {
            return false;
        };
        let mut bytes = vec![0; PIPE];
        match file::read(pipe.as_raw_fd(), &mut bytes) {
            Ok(0) => self.pipe = None,
            Ok(count) => {
                let room = MAX_OUTPUT - self.taken.len();
                self.taken.extend(&bytes[..count.min(room)]);
                return true;
            }
            Err(Errno::EINTR) => return true,
            Err(Errno::EAGAIN) => {}
            Err(_) => self.pipe = None,
        }
        false
    }

    /// What there is at this moment.
    fn so_far(&mut self) -> Vec<u8> {
        while self.take_in() {}
        std::mem::take(&mut self.taken)
    }

    /// What is left when nobody writes any more.
    fn rest(mut self) -> Vec<u8> {
        self.so_far()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock::SECOND;

    fn run(script: &str) -> (Ended, String, String) {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        let mut child = Child::start(&argv).expect("a shell");
        while !child.watch(10 * SECOND).expect("poll") {}
        let (ended, output, errors) = child.bury();
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (ended, text(output), text(errors))
    }

    #[test]
    fn outputs_and_exit_code_are_told() {
        let (ended, output, errors) = run("echo one; echo two >&2; exit 3");
        assert_eq!(ended, Ended::Exited(3));
        assert_eq!((output.as_str(), errors.as_str()), ("one\n", "two\n"));
    }

    #[test]
    fn what_killed_it_is_told() {
        assert_eq!(run("kill -9 $$").0, Ended::Killed(9));
    }

    #[test]
    fn more_output_than_allowed_is_cut_and_stops_nobody() {
        let (ended, output, _) = run("head -c 3000000 /dev/zero; echo done >&2");
        assert_eq!((ended, output.len()), (Ended::Exited(0), MAX_OUTPUT));
    }

    #[test]
    fn a_child_that_closed_its_outputs_is_still_waited_for() {
        let (ended, ..) = run("exec >&- 2>&-; sleep 0.1; exit 4");
        assert_eq!(ended, Ended::Exited(4));
    }

    #[test]
    fn what_does_not_exist_is_not_started() {
        let missing = Child::start(&["/no/such/file".to_owned()]).err();
        assert_eq!(missing, Some(Errno::ENOENT));
        assert_eq!(Child::start(&[]).err(), Some(Errno::EINVAL));
        assert_eq!(Child::start(&["sh".to_owned()]).err(), Some(Errno::ENOENT));
    }
}
