//! The lab on the host: set-up, kernel builds, targets, and the commands that use them.
//!
//! [`cli`] reads the command line, [`commands`] holds one file a command. Each command that needs a kernel calls
//! [`setup::prepare`], which is quick when all is there, and boots a [`target::uml::Uml`].

pub mod campaign;
pub mod cli;
pub mod client;
pub mod clone;
pub mod commands;
pub mod corpus;
pub mod exit;
pub mod findings;
pub mod interrupt;
pub mod json;
pub mod lock;
pub mod plants;
pub mod process;
pub mod progress;
pub mod reproducer;
pub mod rig;
pub mod setup;
pub mod symbols;
pub mod table;
pub mod target;
pub mod terminal;
pub mod theirs;
pub mod verdict;
