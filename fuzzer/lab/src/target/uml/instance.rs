//! One boot: the guest's process group and the channel to its agent.

use std::{
    fs::File,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{
            fs::OpenOptionsExt,
            process::{CommandExt, ExitStatusExt},
        },
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sched::sched_setaffinity,
    sys::{
        personality::{self, Persona},
        resource::{Resource, setrlimit},
    },
    unistd::Pid,
};
use trace::wire::{Hello, Reply, Request, VERSION};

use super::{
    Time, UmlOptions,
    channel::{Channel, Failed},
    guest::Guest,
    host::{self, Core},
};
use crate::{interrupt::Group, process};

/// A running guest. Dropping it kills every process of it.
#[derive(Debug)]
pub struct Instance {
    /// To the agent.
    pub channel: Channel,
    group: Group,
    child: Child,
    ended: Option<ExitStatus>,
}

impl Instance {
    /// Starts the kernel.
    pub fn spawn(guest: &Guest, core: &Core, options: &UmlOptions) -> anyhow::Result<Instance> {
        let (channel, theirs) = Channel::pair().context("socketpair")?;
        let console = File::options()
            .append(true)
            .open(guest.console())
            .context("console log")?;
        let debian = options.debian.as_deref().map(opened).transpose()?;
        let mut command = Command::new(guest.kernel());
        command.args(arguments(guest, options, theirs.as_raw_fd()));
        command.args(debian.iter().flat_map(found_by_agent));
        command
            .env_clear()
            .env("TMPDIR", host::memory_folder())
            .env("HOME", guest.run())
            .env("PATH", "/usr/bin:/bin");
        command
            .current_dir(guest.run())
            .stdin(Stdio::null())
            .stdout(console.try_clone()?)
            .stderr(console);
        if let Some(user) = host::identity() {
            command.uid(user).gid(user);
        }
        let inherited = [OwnedFd::from(theirs)].into_iter().chain(debian).collect();
        confine(&mut command, inherited, core)?;
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", guest.kernel().display()))?;
        let group = Group::of(child.id());
        Ok(Instance {
            channel,
            group,
            child,
            ended: None,
        })
    }

    /// Waits for the agent's first message.
    pub fn hello(&mut self, limit: Duration) -> Result<Hello, Failed> {
        let hello: Hello = self.channel.receive(limit)?;
        match hello.version {
            VERSION => Ok(hello),
            other => Err(Failed::Protocol(format!(
                "the agent speaks version {other}, this lab {VERSION}"
            ))),
        }
    }

    /// Sends a request and waits for the answer.
    pub fn ask(&mut self, request: &Request, limit: Duration) -> Result<Reply, Failed> {
        self.channel.send(request)?;
        self.channel.receive(limit)
    }

    /// True if the kernel's process ended by itself within the limit.
    pub fn wait(&mut self, limit: Duration) -> anyhow::Result<bool> {
        let deadline = Instant::now() + limit;
        loop {
            self.ended = self.child.try_wait()?;
            if self.ended.is_some() {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Instance {
    /// True if somebody killed the kernel's process, as an administrator may, and a machine that is out of memory does. No
    /// kernel ends itself like that.
    pub fn was_killed(&self) -> bool {
        let signal = self.ended.and_then(|status| status.signal());
        signal == Some(nix::libc::SIGKILL)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.group.kill();
        // The child is dead or dying; there is nothing to do about a failure to reap it.
        let _ = self.child.wait();
    }
}

/// The kernel's command line.
fn arguments(guest: &Guest, options: &UmlOptions, channel: i32) -> Vec<String> {
    let path = |path: &Path| path.display().to_string();
    let level = if options.verbose { 8 } else { 5 };
    let mut arguments: Vec<String> = [
        "con=null",
        "con0=null,fd:1",
        "ssl=null",
        "seccomp=auto",
        "rootfstype=hostfs",
        "ro",
        "init=/init",
        "panic=-1",
        "oops=panic",
        "norandmaps",
    ]
    .map(String::from)
    .into();
    arguments.push(format!("mem={}M", host::MEMORY_MIB));
    arguments.push(format!("rootflags={}", path(&guest.root())));
    arguments.push(format!("uml_dir={}", path(&guest.run())));
    arguments.push(format!("lab_channel={channel},{channel}"));
    arguments.push(format!("loglevel={level}"));
    if options.time == Time::Virtual {
        arguments.push("time-travel=inf-cpu".into());
    }
    if !options.kmemleak {
        arguments.push("kmemleak=off".into());
    }
    // What follows is for the agent.
    arguments.extend(["--", "--driver", options.driver.name()].map(String::from));
    arguments
}

/// A folder that may stand where the guest's user cannot go: who has it open can.
fn opened(folder: &Path) -> anyhow::Result<OwnedFd> {
    let file = File::options()
        .read(true)
        .custom_flags(nix::libc::O_PATH | nix::libc::O_DIRECTORY)
        .open(folder);
    Ok(file.with_context(|| folder.display().to_string())?.into())
}

/// What tells the agent where the kernel finds that folder: not a link, whose target it would follow by name.
fn found_by_agent(folder: &OwnedFd) -> [String; 2] {
    let path = format!("/proc/self/fd/{}/.", folder.as_raw_fd());
    ["--debian".to_owned(), path]
}

/// Fixes what would make one boot unlike another, and lets the child keep its descriptors.
fn confine(command: &mut Command, inherited: Vec<OwnedFd>, core: &Core) -> anyhow::Result<()> {
    let cores = core.set()?;
    process::die_with_the_lab(command);
    // SAFETY: the closure makes async-signal-safe system calls only and touches no memory that another thread changes.
    unsafe {
        command.pre_exec(move || {
            for fd in &inherited {
                fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
            }
            sched_setaffinity(Pid::from_raw(0), &cores)?;
            personality::set(personality::get()? | Persona::ADDR_NO_RANDOMIZE)?;
            // A panic aborts the kernel's process; its core would be half a gigabyte.
            setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
            Ok(())
        });
    }
    Ok(())
}
