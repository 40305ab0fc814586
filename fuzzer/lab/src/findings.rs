//! Findings on disk: one folder each, whole or not there, from which `lab replay` repeats the finding.
//!
//! ```text
//! findings/I9-signal-before-the-last-store-1a2b3c4d/
//!   program.vb2    the minimised program
//!   original.vb2   the program as the search found it
//!   trace.jsonl    what the minimised program showed
//!   trace.txt      the same for reading
//!   other.jsonl    for what does not repeat: what the same program showed another time
//!   reproducer.c   the same as a C program that needs no lab
//!   kernel.log     the kernel's log lines of that run
//!   report.md      what, expected, observed, on which kernel, and the line that repeats it
//!   finding.json   the same for machines
//! ```

mod folder;
mod record;
mod report;

pub use folder::{Folder, Origin, PROGRAM, REPRODUCER, programs, read_program};
pub use record::{NAME as RECORD, Record, Setup, reproduced};
