//! `lab series`: what a series of kernel patches is like before it is mailed.

mod applied;
mod assemble;
mod builder;
mod checkpatch;
mod compare;
mod diff;
mod docs;
mod finding;
mod form;
mod input;
mod kbuild;
mod mail;
mod maintainers;
mod makelog;
mod memo;
mod objects;
mod probe;
mod report;
mod rst;
mod selftests;
mod steps;
mod table;
mod toolbox;
mod trees;
mod verify;
mod why;
mod workshop;

use crate::{exit::Exit, setup::Options};

/// Arguments of `lab series`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What about it.
    #[command(subcommand)]
    pub what: What,
}

/// What can be asked about a series.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum What {
    /// Say what a maintainer would send the series back for
    Verify(verify::Args),
}

/// Asks.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    match args.what {
        What::Verify(args) => verify::run(&args, options),
    }
}
