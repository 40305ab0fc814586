//! Targets: what executes programs.

pub mod uml;
