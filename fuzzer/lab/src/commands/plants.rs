//! `lab plants`: the planted bugs.

use crate::{exit::Exit, plants, setup::Options};

/// Arguments of `lab plants`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Say also why somebody would write each bug
    #[arg(long)]
    pub why: bool,
}

/// Lists them.
pub fn run(args: Args, _options: &Options) -> anyhow::Result<Exit> {
    for plant in plants::list()? {
        println!(
            "{:24} {:10} {}",
            plant.name,
            plant.invariants.join(" "),
            plant.title
        );
        if args.why {
            println!("{:35} {}\n", "", plant.why);
        }
    }
    Ok(Exit::HELD)
}

/// Their names alone, for scripts.
pub fn names() -> anyhow::Result<Exit> {
    for plant in plants::list()? {
        println!("{}", plant.name);
    }
    Ok(Exit::HELD)
}
