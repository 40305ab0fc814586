//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    commands,
    exit::{self, Exit},
    interrupt,
    setup::Options,
};

const ABOUT: &str =
    "Does this kernel's release-fence code keep its contract, whatever userspace does?";

const LONG_ABOUT: &str = "\
Does this kernel's release-fence code keep its contract, whatever userspace does?

The lab builds a patched kernel as User-Mode Linux, boots it with a mem2mem device whose hardware is a double, runs \
programs of V4L2 and dma-buf system calls on it in virtual time, and judges what it saw.

Every command prepares what it needs: the first one installs the build tools, fetches the kernel source and builds (some \
minutes, 4 to 7 GB in the cache); later ones find all of that in the cache. Neither the clone nor a kernel tree of yours is \
written to.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "lab", bin_name = "cargo lab", version, about = ABOUT, long_about = LONG_ABOUT,
    after_long_help = exit::HELP, max_term_width = 110, arg_required_else_help = true)]
pub struct Cli {
    /// Options that every command shares.
    #[command(flatten)]
    pub options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Search for programs that break the contract
    Fuzz(Box<commands::fuzz::Args>),
    /// Make a campaign's corpus smaller, check it, or carry it to another one
    Corpus(commands::corpus::Args),
    /// Run every program of a scope, up to the state that it leads to, and certify what holds
    Prove(Box<commands::prove::Args>),
    /// Run programs or findings again, each on a fresh boot
    Replay(commands::replay::Args),
    /// Make a page of what a campaign came to: coverage with source, states, fences, findings
    Report(commands::report::Args),
    /// Build the C program of a finding and run it in a guest of its own
    Reproduce(Box<commands::reproduce::Args>),
    /// Say how much of what the kernel answers the reference model predicts
    Predict(commands::predict::Args),
    /// Run a client program of yours in the target and judge what its fences did
    Run(Box<commands::run::Args>),
    /// Show what a compositor sees without the series, in the posted draft's shape, and with the series
    Compositor(commands::compositor::Args),
    /// Stream with GStreamer, FFmpeg and v4l2-ctl through the double and judge what its fences did
    Clients(commands::clients::Args),
    /// Run v4l2-compliance on the double's nodes, from all memories, or on the kernel's own drivers
    Compliance(commands::compliance::Args),
    /// Run the kernel's own tests of release fences in the target
    Selftest(commands::selftest::Args),
    /// Try every knob of the double from user space
    Drill(commands::drill::Args),
    /// Make the double's header and its page of docs from the table of knobs
    Abi(commands::abi::Args),
    /// Load and unload the double under processes that die, and see that everything is given back
    Churn(commands::churn::Args),
    /// Judge a recorded trace
    Judge(commands::judge::Args),
    /// Measure how fast programs run, or what release fences cost
    Bench(commands::bench::Args),
    /// Run every check of the project
    Test(commands::test::Args),
    /// Say what is there, what is missing, and what the first build will need
    Doctor(commands::doctor::Args),
    /// Build the kernel, the modules and the agent, and say where they are
    Kernel(commands::kernel::Args),
    /// Boot the target once, load and unload the modules, and say how long that took
    Boot(commands::boot::Args),
    /// Measure how surely and how soon each planted bug is found
    Canaries(commands::canaries::Args),
    /// List the planted bugs and the invariants that each must break
    Plants(commands::plants::Args),
    /// Check a series of kernel patches as its maintainers would
    Series(commands::series::Args),
}

/// Reads the command line and runs the command.
pub fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => finish(interrupt::install().and_then(|()| run(cli))),
        Err(error) => usage(&error),
    }
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    let Cli { options, command } = cli;
    match command {
        Command::Fuzz(args) => commands::fuzz::run(*args, &options),
        Command::Corpus(args) => commands::corpus::run(args, &options),
        Command::Prove(args) => commands::prove::run(*args, &options),
        Command::Replay(args) => commands::replay::run(args, &options),
        Command::Report(args) => commands::report::run(args, &options),
        Command::Reproduce(args) => commands::reproduce::run(*args, &options),
        Command::Predict(args) => commands::predict::run(args, &options),
        Command::Run(args) => commands::run::run(*args, &options),
        Command::Compositor(args) => commands::compositor::run(args, &options),
        Command::Clients(args) => commands::clients::run(args, &options),
        Command::Compliance(args) => commands::compliance::run(args, &options),
        Command::Selftest(args) => commands::selftest::run(args, &options),
        Command::Drill(args) => commands::drill::run(args, &options),
        Command::Abi(args) => commands::abi::run(args, &options),
        Command::Churn(args) => commands::churn::run(args, &options),
        Command::Judge(args) => commands::judge::run(args, &options),
        Command::Bench(args) => commands::bench::run(args, &options),
        Command::Test(args) => commands::test::run(args, &options),
        Command::Doctor(args) => commands::doctor::run(args, &options),
        Command::Kernel(args) => commands::kernel::run(args, &options),
        Command::Boot(args) => commands::boot::run(args, &options),
        Command::Canaries(args) => commands::canaries::run(args, &options),
        Command::Plants(args) => commands::plants::run(args, &options),
        Command::Series(args) => commands::series::run(args, &options),
    }
}

fn finish(result: anyhow::Result<Exit>) -> ExitCode {
    let exit = result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        exit::of_error(&error)
    });
    exit.into()
}

/// Clap's own code for wrong usage is 2, which means something else here.
fn usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to do if the terminal is gone.
    let _ = error.print();
    if error.use_stderr() {
        Exit::SETUP.into()
    } else {
        Exit::HELD.into()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_has_help() {
        for command in Cli::command().get_subcommands() {
            assert!(
                command.get_about().is_some(),
                "{} lacks help",
                command.get_name()
            );
            for arg in command.get_arguments() {
                assert!(
                    arg.get_help().is_some(),
                    "{} {} lacks help",
                    command.get_name(),
                    arg.get_id()
                );
            }
        }
    }
}
