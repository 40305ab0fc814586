//! One file a command. Each has an `Args` (what clap reads) and a `run(args, options)` that gives an [`Exit`].
//!
//! [`Exit`]: crate::exit::Exit

pub mod abi;
pub mod bench;
pub mod boot;
pub mod canaries;
pub mod churn;
pub mod clients;
pub mod compliance;
pub mod compositor;
pub mod corpus;
pub mod doctor;
pub mod drill;
pub mod fuzz;
pub mod judge;
pub mod kernel;
pub mod plants;
pub mod predict;
pub mod prove;
pub mod replay;
pub mod report;
pub mod reproduce;
pub mod run;
pub mod selftest;
pub mod series;
pub mod test;
