//! Exit codes: one per class of outcome, so that a script can tell them apart.

use std::process::ExitCode;

/// What the process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exit(pub u8);

impl Exit {
    /// Every check ran and held.
    pub const HELD: Exit = Exit(0);
    /// Wrong usage, set-up failed, or the environment lacks something.
    pub const SETUP: Exit = Exit(1);
    /// A program, trace, patch or kernel tree is malformed.
    pub const MALFORMED: Exit = Exit(2);
    /// A fence was not armed or did not signal in finite time.
    pub const TIMING: Exit = Exit(10);
    /// `lab series verify`: a maintainer would send the series back.
    pub const BOUNCED: Exit = Exit(10);
    /// `lab canaries`: a planted bug was not found every time.
    pub const MISSED: Exit = Exit(10);
    /// A fence signalled before the hardware was done with the memory.
    pub const EARLY: Exit = Exit(11);
    /// A fence was not signalled exactly once, leaked, or did not live long enough.
    pub const LIFECYCLE: Exit = Exit(12);
    /// A fence told a wrong status.
    pub const STATUS: Exit = Exit(13);
    /// The kernel complained, panicked or hung.
    pub const SPLAT: Exit = Exit(14);
    /// A finding or a trace did not repeat.
    pub const NONDETERMINISM: Exit = Exit(15);
    /// A call was answered otherwise than the reference model says.
    pub const MODEL: Exit = Exit(16);
}

/// For `--help`.
pub const HELP: &str = "Exit codes:
   0  every check ran and held
   1  wrong usage, set-up failed, or the environment lacks something
   2  a program, trace, patch or kernel tree is malformed
  10  a fence was not armed or did not signal in finite time; a series would be sent back; a planted bug was missed
  11  a fence signalled before the hardware was done with the memory
  12  a fence was not signalled exactly once, leaked, or did not live long enough
  13  a fence told a wrong status
  14  the kernel complained, panicked or hung
  15  a finding or a trace did not repeat
  16  a call was answered otherwise than the reference model of videobuf2 and mem2mem says
With several findings the first one decides.";

impl Exit {
    /// Of several outcomes the first that is not held decides.
    pub fn first(exits: impl IntoIterator<Item = Exit>) -> Exit {
        let mut exits = exits.into_iter();
        exits.find(|exit| *exit != Exit::HELD).unwrap_or(Exit::HELD)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.0)
    }
}

/// An input that the lab refuses: its message names the file and the reason. Ends the process with [`Exit::MALFORMED`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// An [`anyhow::Error`] that ends the process with [`Exit::MALFORMED`].
pub fn malformed(message: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Malformed(message.into()))
}

/// The code for an error that came up to `main`.
pub fn of_error(error: &anyhow::Error) -> Exit {
    match error.downcast_ref::<Malformed>() {
        Some(_) => Exit::MALFORMED,
        None => Exit::SETUP,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_malformed_input_keeps_its_code_under_context() {
        let error = Err::<(), _>(malformed("a.prog: line 1"))
            .context("replay")
            .unwrap_err();
        assert_eq!(of_error(&error), Exit::MALFORMED);
        assert_eq!(of_error(&anyhow::anyhow!("no disk")), Exit::SETUP);
    }
}
