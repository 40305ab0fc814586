//! Traces: what a run of a program was seen to do, how that is written to a file, and how it comes out of the target. No I/O.

#[allow(missing_docs, reason = "a variant's doc tells its fields")]
mod event;
pub mod file;
pub mod klog;
mod render;
pub mod wire;

pub use event::*;
pub use file::ProgramHash;
pub use render::render;
