//! A client of the target: a producer that plays frames through a mem2mem device, and a compositor that waits for each
//! frame as KWin's `watchDmaBuf` does and then reads it, in one event loop. What it saw is printed as one line of JSON.

mod device;
mod events;
mod input;
mod plane;
mod run;
mod stage;
mod tally;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use compositor::Options;

fn main() -> ExitCode {
    match compose(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compositor: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compose(options: &Options) -> Result<()> {
    let report = run::run(options)?;
    let line = serde_json::to_string(&report).context("the report")?;
    println!("{line}");
    Ok(())
}
