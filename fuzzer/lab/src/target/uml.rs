//! A kernel as User-Mode Linux: virtual time, no hypervisor, no root at run time.
//!
//! The guest is one process group pinned to one core together with the thread that talks to it, because a wake-up across
//! cores costs thirty times as much. Its root is a private folder, its only way out a socket on an inherited descriptor.

pub mod channel;
pub mod double;
pub mod execution;
pub mod guest;
pub mod host;
pub mod inside;
pub mod instance;
pub mod log;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use engine::{Ran, Target};
use program::{Driver, Program};
use trace::{
    Death,
    wire::{Hello, Reply, Request, Study},
};

use crate::{
    plants,
    setup::{Prepared, config::Config},
};
use channel::Failed;
use double::Shape;
use execution::Execution;
use guest::Guest;
use host::Core;
use instance::Instance;

/// When the double attaches release fences: its module parameter `attach`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Attach {
    /// When the job is armed, just before the hardware is kicked
    #[default]
    DeviceRun,
    /// When userspace queues the buffer, as the posted draft did
    BufQueue,
    /// Never
    None,
}

impl Attach {
    /// As the module spells it.
    pub fn name(self) -> &'static str {
        match self {
            Attach::DeviceRun => "device_run",
            Attach::BufQueue => "buf_queue",
            Attach::None => "none",
        }
    }
}

/// What the guest's clock shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Time {
    /// Nothing passes while code runs, and a sleep is a leap: runs are repeatable
    #[default]
    Virtual,
    /// The host's time, for measurements
    Real,
}

/// How to boot.
#[derive(Clone, Debug)]
pub struct UmlOptions {
    /// What `open double` opens in a program.
    pub driver: Driver,
    /// What the guest's clock shows.
    pub time: Time,
    /// Load the ledger, which watches every fence and costs time.
    pub ledger: bool,
    /// Load the module that tells how long an ioctl takes.
    pub call_timer: bool,
    /// How long a job of vicodec takes; 0 runs it inside the system call that starts it, as upstream does.
    pub vicodec_job_ms: u32,
    /// When the double attaches release fences.
    pub attach: Attach,
    /// Nodes and memory of the double.
    pub shape: Shape,
    /// Name of a bug to plant.
    pub plant: Option<String>,
    /// The core to pin guest and host thread to; the first free one if none is named.
    pub core: Option<usize>,
    /// Boot with kmemleak on (slower), so that [`Request::Kmemleak`] has an answer.
    pub kmemleak: bool,
    /// Print every kernel message to the console log, not only warnings.
    pub verbose: bool,
    /// Keep the console's log of each boot here; otherwise it goes with the target.
    pub log_dir: Option<PathBuf>,
    /// Real time that one request may take.
    pub wall_limit: Duration,
    /// Program files for the guest: where each is on the host, and where the guest finds it.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// A folder with programs of a Debian release, which the guest finds as `/debian` and can enter with `/init --in`.
    pub debian: Option<PathBuf>,
}

impl Default for UmlOptions {
    fn default() -> UmlOptions {
        UmlOptions {
            driver: Driver::default(),
            time: Time::default(),
            ledger: true,
            call_timer: false,
            vicodec_job_ms: 5,
            attach: Attach::default(),
            shape: Shape::default(),
            plant: None,
            core: None,
            kmemleak: false,
            verbose: false,
            log_dir: None,
            wall_limit: Duration::from_secs(10),
            files: Vec::new(),
            debian: None,
        }
    }
}

/// A kernel that boots when needed.
///
/// The thread that boots it must outlive it: the host kernel kills the guest when that thread ends.
#[derive(Debug)]
pub struct Uml {
    // Declared before the guest's folder, so that it is gone when that is removed.
    instance: Option<Instance>,
    guest: Guest,
    core: Core,
    options: UmlOptions,
    watchers: Vec<&'static str>,
    boots: u64,
    /// Whether somebody killed the last instance.
    killed: bool,
}

impl Uml {
    /// Makes the guest's folder, with modules that have the bug planted if the options name one. Does not boot.
    pub fn new(prepared: &Prepared, options: UmlOptions) -> anyhow::Result<Uml> {
        let plant = options.plant.as_deref().map(plants::load).transpose()?;
        let modules = prepared.modules(plant.as_ref())?;
        let guest = Guest::make(prepared, &modules, &options)?;
        guest.add(&options.files)?;
        let core = Core::claim(options.core)?;
        Ok(Uml {
            instance: None,
            guest,
            core,
            watchers: watchers(prepared.kernel.config, &options),
            options,
            boots: 0,
            killed: false,
        })
    }

    /// Boots so far.
    pub fn boots(&self) -> u64 {
        self.boots
    }

    /// The core that guest and host thread share.
    pub fn core(&self) -> usize {
        self.core.index
    }

    /// The console's log of the present or last boot, normalised.
    pub fn console(&self) -> Vec<String> {
        log::read(&self.guest.console())
    }

    /// Has the guest unload its modules and power off; fails unless it ends in an orderly way. Says how long it took.
    pub fn power_off(&mut self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let mut instance = self.instance.take().context("the target is not booted")?;
        let limit = self.options.wall_limit;
        let ended = instance.channel.send(&Request::PowerOff).is_ok() && instance.wait(limit)?;
        drop(instance);
        let console = self.console();
        if !ended || log::death(&console) != Death::Lost {
            bail!(
                "the guest did not power off in an orderly way:\n  {}",
                log::telling(&console).join("\n  ")
            );
        }
        Ok(started.elapsed())
    }

    /// Runs a program file of the guest with the ledger watching, and kills it after so much of the guest's time. Boots if
    /// the target is not booted.
    pub fn exec(&mut self, argv: &[String], limit: Duration) -> anyhow::Result<Execution> {
        let request = Request::Exec {
            argv: argv.to_vec(),
            limit_ms: u32::try_from(limit.as_millis()).unwrap_or(u32::MAX),
        };
        // Time of the guest may take as much real time, and what a program does in no time of the guest takes some too.
        let wall = limit + self.options.wall_limit;
        match self.exchange_within(&request, wall)? {
            Ok(Reply::Executed(executed)) => Ok(Execution::Ended(executed)),
            Ok(other) => bail!("the agent answered a program file with {other:?}"),
            Err(how) => Ok(Execution::Died {
                how,
                log: log::telling(&self.console()),
            }),
        }
    }

    /// Boots; once more if somebody killed the guest meanwhile.
    fn start(&mut self) -> anyhow::Result<Hello> {
        let mut started = self.start_once();
        for _ in 0..KILLS {
            if started.is_ok() || !self.killed {
                break;
            }
            started = self.start_once();
        }
        started
    }

    fn start_once(&mut self) -> anyhow::Result<Hello> {
        self.instance = None;
        self.killed = false;
        self.keep_console()?;
        self.core.pin_this_thread()?;
        self.guest.renew_console()?;
        let mut instance = Instance::spawn(&self.guest, &self.core, &self.options)?;
        self.boots += 1;
        match instance.hello(self.options.wall_limit.max(BOOT_LIMIT)) {
            Ok(hello) => {
                self.instance = Some(instance);
                self.complete(hello)
            }
            Err(failed) => Err(self.no_boot(instance, failed)),
        }
    }

    /// Refuses a target that would find less than the lab says.
    fn complete(&self, hello: Hello) -> anyhow::Result<Hello> {
        let Some(watcher) = missing(&hello, &self.watchers) else {
            return Ok(hello);
        };
        let console = log::telling(&self.console()).join("\n  ");
        bail!("the target booted without {watcher}; its console ends with:\n  {console}")
    }

    /// Saves the log of the boot that is over, if the options say where to.
    fn keep_console(&self) -> anyhow::Result<()> {
        match &self.options.log_dir {
            Some(folder) if self.boots > 0 => self.guest.keep_console(folder, self.boots),
            _ => Ok(()),
        }
    }

    fn no_boot(&mut self, mut instance: Instance, failed: Failed) -> anyhow::Error {
        if failed == Failed::Closed {
            // As in `bury`.
            let _ = instance.wait(DYING);
            self.killed = instance.was_killed();
        }
        drop(instance);
        let console = log::telling(&self.console()).join("\n  ");
        anyhow::anyhow!("the target did not boot ({failed}); its console ends with:\n  {console}")
    }

    /// Sends a request to the booted target and waits for the answer. After a failure the target is gone.
    fn exchange(&mut self, request: &Request) -> anyhow::Result<Result<Reply, Death>> {
        self.exchange_within(request, self.options.wall_limit)
    }

    /// The same for what may be asked twice: if somebody killed the guest, that says nothing about the request.
    fn exchange_again(&mut self, request: &Request) -> anyhow::Result<Result<Reply, Death>> {
        let mut answer = self.exchange(request)?;
        for _ in 0..KILLS {
            if answer.is_ok() || !self.killed {
                break;
            }
            answer = self.exchange(request)?;
        }
        Ok(answer)
    }

    fn exchange_within(
        &mut self,
        request: &Request,
        limit: Duration,
    ) -> anyhow::Result<Result<Reply, Death>> {
        if self.instance.is_none() {
            self.start()?;
        }
        let instance = self.instance.as_mut().context("the target is not booted")?;
        match instance.ask(request, limit) {
            Ok(reply) => Ok(Ok(reply)),
            Err(Failed::Protocol(why)) => {
                self.instance = None;
                bail!("the agent does not speak this lab's protocol: {why}")
            }
            Err(failed) => Ok(Err(self.bury(failed))),
        }
    }

    fn bury(&mut self, failed: Failed) -> Death {
        if let Some(mut instance) = self.instance.take() {
            // A dying kernel closes the socket after its last message; a hanging one has nothing more to say.
            let patience = if failed == Failed::Late {
                Duration::ZERO
            } else {
                DYING
            };
            // Whether it ended by itself does not matter: it is killed below.
            let _ = instance.wait(patience);
            self.killed = instance.was_killed();
        }
        match (log::death(&self.console()), failed) {
            (Death::Panic, _) => Death::Panic,
            (_, Failed::Late) => Death::Hang,
            (_, _) => Death::Lost,
        }
    }
}

/// A boot takes a quarter of a second on an idle machine.
const BOOT_LIMIT: Duration = Duration::from_secs(60);

/// How often a guest that somebody kills is booted again for one request.
const KILLS: u32 = 5;

/// Time for a kernel that closed the channel to write its last words.
const DYING: Duration = Duration::from_secs(3);

impl Drop for Uml {
    fn drop(&mut self) {
        self.instance = None;
        if let Err(error) = self.keep_console() {
            eprintln!("the console's log is lost: {error:#}");
        }
    }
}

/// What a target must offer before its silence means anything, or before its speed does. One that is measured is not watched.
fn watchers(config: Config, options: &UmlOptions) -> Vec<&'static str> {
    let mut watchers = vec![options.driver.name()];
    watchers.extend(options.ledger.then_some("ledger"));
    if config == Config::Checked {
        watchers.extend(["batches", "kcov", "lockdep"]);
    }
    watchers
}

fn missing(hello: &Hello, watchers: &[&'static str]) -> Option<&'static str> {
    let offers = |watcher: &str| hello.features.iter().any(|feature| feature == watcher);
    watchers.iter().copied().find(|watcher| !offers(watcher))
}

impl Target for Uml {
    fn boot(&mut self) -> anyhow::Result<Hello> {
        self.start()
    }

    fn run(&mut self, program: &Program, coverage: bool) -> anyhow::Result<Ran> {
        let request = Request::Run {
            program: program.clone(),
            coverage,
        };
        match self.exchange_again(&request)? {
            Ok(Reply::Ran(report)) => Ok(Ran::Report(report)),
            Ok(other) => bail!("the agent answered a program with {other:?}"),
            Err(how) => Ok(Ran::Died {
                how,
                log: log::telling(&self.console()),
            }),
        }
    }

    fn study(&mut self, program: &Program) -> anyhow::Result<Option<Study>> {
        let request = Request::Study {
            program: program.clone(),
        };
        match self.exchange_again(&request)? {
            Ok(Reply::Studied(study)) => Ok(Some(*study)),
            // The agent's guard ended the run as it ends any other that takes too long.
            Ok(Reply::Ran(_)) => Ok(Some(Study::default())),
            Ok(other) => bail!("the agent answered a study with {other:?}"),
            Err(_) => Ok(None),
        }
    }

    fn request(&mut self, request: Request) -> anyhow::Result<Reply> {
        match self.exchange(&request)? {
            Ok(reply) => Ok(reply),
            Err(how) => {
                let console = log::telling(&self.console()).join("\n  ");
                bail!("the target died ({how:?}) under {request:?}:\n  {console}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_without_a_watcher_is_not_complete() {
        let hello = |features: &[&str]| Hello {
            version: trace::wire::VERSION,
            kernel: "7.3.4".to_owned(),
            features: features
                .iter()
                .map(|feature| (*feature).to_owned())
                .collect(),
        };
        let checked = watchers(Config::Checked, &UmlOptions::default());
        assert_eq!(missing(&hello(&checked), &checked), None);
        let less = hello(&["batches", "double", "kcov", "ledger"]);
        assert_eq!(missing(&less, &checked), Some("lockdep"));
        let measured = UmlOptions {
            ledger: false,
            ..UmlOptions::default()
        };
        assert_eq!(watchers(Config::Plain, &measured), ["double"]);
    }
}
