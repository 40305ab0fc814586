//! `lab abi`: the double's header of knobs and its page of docs, made from the one table.

use std::fs;

use anyhow::Context;
use engine::store;
use uapi::double::abi::{FILES, REMEDY};

use crate::{clone, exit::Exit, setup::Options};

/// Arguments of `lab abi`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Write the files; otherwise say only which of them are not as the table has it
    #[arg(long)]
    pub write: bool,
    /// Only say which files are not as the table has it, as without --write
    #[arg(long, conflicts_with = "write")]
    pub check: bool,
}

const HELP: &str = "The table is fuzzer/uapi/src/double/knobs.rs. The exit code is 1 if a file is not as the table has it and \
--write was not given.";

/// Compares or writes the files.
pub fn run(args: Args, _options: &Options) -> anyhow::Result<Exit> {
    let root = clone::root()?;
    let mut exit = Exit::HELD;
    for (place, make) in FILES {
        let path = root.join(place);
        let made = make();
        if fs::read_to_string(&path).is_ok_and(|found| found == made) {
            println!("{place}: as the table of knobs has it");
        } else if args.write {
            store::write(&path, made.as_bytes()).context(place)?;
            println!("{place}: written");
        } else {
            println!("{place}: not as the table of knobs has it; {REMEDY}");
            exit = Exit::SETUP;
        }
    }
    Ok(exit)
}
