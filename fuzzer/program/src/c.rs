//! Programs as C: one file that needs no lab, that a maintainer builds with `cc` and runs on a kernel of their own.
//!
//! Beside the program's calls the file looks where user space can see what a finding is about: it prints `FAIL: …` and ends
//! with 1 when the failure shows, with 0 when it does not, and with 2 when it could not look.

mod calls;
mod controls;
mod library;
mod probe;
mod source;

pub use calls::kind as queue_name;
pub use probe::{Probe, Symptom, Watched};
pub use source::{Reproducer, Untranslated};
