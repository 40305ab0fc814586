//! Serving the host: greet it, then answer its requests in order.

use std::sync::Arc;

use anyhow::{Context, Result};
use nix::sys::utsname::uname;
use trace::wire::{Hello, Reply, Request, VERSION};

use crate::channel::{Channel, Transport};
use crate::device::Device;
use crate::feed::Feed;
use crate::guard::{Guard, LastAct};
use crate::journal::Journal;
use crate::kmemleak;
use crate::ledger::Ledger;
use crate::pool::Pool;
use crate::priority::{self, Role};
use crate::run::Runner;
use crate::run_file::run_file;
use crate::shared::Shared;
use crate::sys::{batch, clock};

/// Why serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The host asked for it.
    PowerOff,
    /// The host closed the channel.
    HostGone,
}

/// Serves until the host has had enough. `last_act` ends an agent whose main thread is stuck.
pub(crate) fn serve(
    transport: Arc<dyn Transport>,
    device: Device,
    last_act: LastAct,
) -> Result<End> {
    clock::install_alarm().context("sigaction")?;
    let ledger = Ledger::open()?;
    let mut features = Vec::new();
    if ledger.is_some() {
        features.push("ledger".to_owned());
    }
    if batch::is_at_once() {
        features.push("batches".to_owned());
    }
    if let Some(driver) = device.known().filter(|_| device.is_present()) {
        features.push(driver.name().to_owned());
    }
    let feed = Feed::for_driver(device.known().filter(|_| device.is_present()))?;
    let shared = Arc::new(Shared::new(device, feed, Journal::new(ledger)));
    let guard = Guard::start(&shared, Arc::clone(&transport), last_act)?;
    Pool::start(&shared)?;
    priority::take(Role::Main);
    let runner = Runner::new(shared, guard);
    if runner.has_coverage() {
        features.push("kcov".to_owned());
    }
    if std::fs::read_to_string("/proc/lockdep_stats").is_ok_and(|stats| lockdep_is_on(&stats)) {
        features.push("lockdep".to_owned());
    }
    kmemleak::forget_boot();
    let channel = Channel::new(transport);
    channel.greet(&hello(features)?)?;
    answer(channel, runner)
}

/// Lockdep turns itself off at its first complaint, and a boot that met one tests without it from then on.
fn lockdep_is_on(stats: &str) -> bool {
    stats
        .lines()
        .filter_map(|line| line.trim().strip_prefix("debug_locks:"))
        .any(|value| value.trim() == "1")
}

fn hello(mut features: Vec<String>) -> Result<Hello> {
    features.sort();
    let kernel = uname()
        .context("uname")?
        .release()
        .to_string_lossy()
        .into_owned();
    Ok(Hello {
        version: VERSION,
        kernel,
        features,
    })
}

fn answer(mut channel: Channel, mut runner: Runner) -> Result<End> {
    while let Some(request) = channel.receive()? {
        match request {
            Request::Run { program, coverage } => {
                program
                    .check()
                    .context("the host sent a program that breaks the rules")?;
                if let Some(report) = runner.run(&program, coverage) {
                    channel.send(&Reply::Ran(Box::new(report)))?;
                }
            }
            Request::Study { program } => {
                program
                    .check()
                    .context("the host sent a program that breaks the rules")?;
                if let Some(study) = runner.study(&program) {
                    channel.send(&Reply::Studied(Box::new(study)))?;
                }
            }
            Request::Kmemleak => channel.send(&Reply::Leaks(kmemleak::scan()))?,
            Request::Loop { program, times } => {
                program
                    .check()
                    .context("the host sent a program that breaks the rules")?;
                let calls = runner.repeat(&program, times);
                channel.send(&Reply::Looped { calls })?;
            }
            Request::Exec { argv, limit_ms } => {
                let executed = run_file(&runner.shared, &argv, limit_ms);
                channel.send(&Reply::Executed(Box::new(executed)))?;
            }
            Request::PowerOff => {
                runner.shared.journal().close_ledger();
                return Ok(End::PowerOff);
            }
        }
    }
    Ok(End::HostGone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lockdep_says_whether_it_is_on() {
        assert!(lockdep_is_on(
            " lock-classes: 3\n debug_locks:                             1\n"
        ));
        assert!(!lockdep_is_on(
            " debug_locks:                             0\n"
        ));
        assert!(!lockdep_is_on(""));
    }
}
