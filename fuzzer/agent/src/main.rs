//! The agent: runs in the target, executes programs and tells what was observed. It decides nothing.
//!
//! As pid 1 it brings the target up and speaks on `/dev/lab_channel`. Started with `--stdio` it uses the target as it
//! finds it and speaks on standard input and output. `--driver NAME` picks another driver than the test double.

mod bare;
mod boot;
mod channel;
mod content;
mod coverage;
mod device;
mod exec;
mod finish;
mod guard;
mod journal;
mod kmemleak;
mod kmsg;
mod ledger;
mod limits;
mod look;
mod modules;
mod names;
mod options;
mod places;
mod pool;
mod priority;
mod run;
mod serve;
mod shared;
mod sys;
mod table;
mod tally;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

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
    let modules = Modules::read(Path::new(MODULES))?;
    modules.load()?;
    let device = Device::find(&options.driver, modules.get(&options.driver));
    ensure!(
        device.is_present(),
        "no video node of driver {}: list its module in {MODULES}/load.txt",
        options.driver
    );
    priority::own_the_target().context("mlockall: give the target more memory")?;
    let end = serve(Arc::new(LabChannel::open()?), device, boot::power_off)?;
    modules.unload();
    Ok(end)
}

/// An ordinary process on a target that others brought up.
fn guest() -> ExitCode {
    let served = Options::parse(std::env::args().skip(1)).and_then(|options| {
        ensure!(
            options.stdio,
            "not pid 1: use --stdio to speak on standard input and output"
        );
        let modules = Modules::read(Path::new(MODULES))?;
        let device = Device::find(&options.driver, modules.get(&options.driver));
        serve(Arc::new(Stdio), device, || std::process::exit(1))
    });
    match served {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}
