//! `lab bench`: how fast the lab is, and what release fences cost.

mod crash;
mod fences;
mod instances;
mod speed;

use clap::Subcommand;

use crate::{exit::Exit, setup::Options};

/// Arguments of `lab bench`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP, args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What else can be measured
    #[command(subcommand)]
    pub what: Option<What>,
    /// How fast programs run
    #[command(flatten)]
    pub speed: speed::SpeedArgs,
}

/// What else can be measured.
#[derive(Clone, Debug, Subcommand)]
pub enum What {
    /// Measure what the series costs: system calls on a kernel without it, with it, and with fences attached
    Fences(fences::Args),
}

const HELP: &str = "The same programs run twice in the same guest: as the fuzzer runs them (coverage, fence ledger, looks, trace, judge), and \
in a loop of bare system calls as a C program would make them. ratio_to_c_loop is the first rate divided by the second: 1 \
would mean that watching costs nothing. first_program_s is the time from the start of the command to the answer to the first \
program, set-up and boot included; crash_to_program_s that from a panic of the guest to the answer to the first program on the \
next kernel, the median of several. two_to_one is what two instances on a core each run in a second, divided by what one of them \
does; the three take turns.";

/// Measures and prints.
pub fn run(args: Args, options: &Options) -> anyhow::Result<Exit> {
    match args.what {
        Some(What::Fences(args)) => fences::run(&args, options),
        None => speed::run(args.speed, options),
    }
}
