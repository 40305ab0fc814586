//! One file a command. Each has an `Args` (what clap reads) and a `run(args, options)` that gives an [`Exit`].
//!
//! [`Exit`]: crate::exit::Exit

pub mod bench;
pub mod boot;
pub mod canaries;
pub mod compliance;
pub mod compositor;
pub mod doctor;
pub mod fuzz;
pub mod judge;
pub mod kernel;
pub mod plants;
pub mod prove;
pub mod replay;
pub mod run;
pub mod selftest;
pub mod series;
pub mod test;
