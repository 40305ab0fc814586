//! The agent: runs in the target, executes programs and tells what was observed. It decides nothing.
//!
//! As pid 1 it brings the target up and speaks on `/dev/lab_channel`. Started with `--stdio` it uses the target as it
//! finds it and speaks on standard input and output. `--driver NAME` picks another driver than the test double.
//!
//! Otherwise it is a tool, by its first argument:
//!
//! - `--kunit FILE…` runs KUnit test modules
//! - `--drill` tries the double's knobs, `--ledger WORD` the ledger, `--chain WAIT` two nodes in a row
//! - `--churn SEED FIRST ROUNDS` loads and unloads the double under processes that die
//! - `--copy MODULE FRAMES` streams through another driver, `--load MODULE` only loads it
//! - `--node NAME` tells where a driver's node is
//! - `--measure NAME CYCLES` measures system calls
//! - `--in FOLDER PROGRAM …` runs a program in another root
//! - `--panic` has the kernel panic, for who measures what that costs

mod bare;
mod boot;
mod chain;
mod channel;
mod child;
mod churn;
mod copy;
mod coverage;
mod device;
mod drill;
mod encode;
mod exec;
mod feed;
mod finish;
mod guard;
mod inside;
mod journal;
mod kmemleak;
mod kmsg;
mod kunit;
mod ledger;
mod ledger_tool;
mod limits;
mod look;
mod measure;
mod modules;
mod names;
mod objects;
mod options;
mod places;
mod pool;
mod priority;
mod run;
mod run_file;
mod serve;
mod shared;
mod table;
mod tally;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use uapi as sys;
use uapi::clock;
use uapi::content;

use crate::channel::{LabChannel, Stdio};
use crate::device::Device;
use crate::modules::Modules;
use crate::options::Options;
use crate::serve::{End, serve};

/// Where the target's modules stand.
const MODULES: &str = "/modules";

fn main() -> ExitCode {
    if std::process::id() == 1 {
        init()
    } else {
        guest()
    }
}

/// Pid 1 never returns: the kernel would panic.
fn init() -> ! {
    match bring_up() {
        Ok(End::PowerOff) => {}
        Ok(End::HostGone) => eprintln!("agent: the host closed the channel, powering off"),
        Err(error) => eprintln!("agent: {error:#}, powering off"),
    }
    boot::power_off()
}

fn bring_up() -> Result<End> {
    boot::mount_all()?;
    boot::open_console();
    let options = Options::parse(std::env::args().skip(1))?;
    options
        .debian
        .as_deref()
        .map(inside::mount_all)
        .transpose()?;
    let modules = Modules::read(Path::new(MODULES))?;
    modules.load()?;
    let device = Device::find(&options.driver, &modules);
    ensure!(
        device.is_present(),
        "no video node of driver {}: list its module in {MODULES}/load.txt",
        options.driver
    );
    priority::own_the_target().context("mlockall: give the target more memory")?;
    let channel = LabChannel::open()?;
    channel.clock_page().map(clock::read_from);
    channel.takes_batches();
    let end = serve(Arc::new(channel), device, boot::power_off)?;
    modules.unload();
    Ok(end)
}

/// An ordinary process on a target that others brought up.
fn guest() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("--kunit") => return code(kunit::run(arguments)),
        Some("--drill") => return code(drill::run(arguments)),
        Some("--node") => return code(device::tell_node(arguments)),
        Some("--churn") => return code(churn::run(arguments)),
        Some("--copy") => return code(copy::run(arguments)),
        Some("--load") => return code(copy::load(arguments)),
        Some("--chain") => return code(chain::run(arguments)),
        Some("--ledger") => return code(ledger_tool::run(arguments)),
        Some("--measure") => return code(measure::run(arguments)),
        Some("--in") => return code(inside::run(arguments)),
        Some("--panic") => return code(boot::panic_kernel()),
        _ => {}
    }
    let served = Options::parse(std::env::args().skip(1)).and_then(|options| {
        ensure!(
            options.stdio,
            "not pid 1: use --stdio to speak on standard input and output"
        );
        let modules = Modules::read(Path::new(MODULES))?;
        let device = Device::find(&options.driver, &modules);
        serve(Arc::new(Stdio), device, || std::process::exit(1))
    });
    code(served)
}

fn code<T>(result: Result<T>) -> ExitCode {
    match result {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}
