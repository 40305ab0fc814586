//! What is said between the compositor's program, which runs in the target, and whoever starts it: options and report.

mod options;
mod report;

pub use options::{HandOver, Options, Wait};
pub use report::{Report, Spread};
