//! Leaked memory, as kmemleak finds it.

use std::fs;

use trace::klog::normalise;

use crate::sys::clock::{self, SECOND};

const PATH: &str = "/sys/kernel/debug/kmemleak";

/// kmemleak reports no object that is younger than five seconds.
const MINIMUM_AGE: u64 = 6 * SECOND;

/// Puts aside what the kernel leaked while it booted, which no program can be blamed for.
pub(crate) fn forget_boot() {
    // A kernel without kmemleak, or booted with it off, refuses even this.
    if fs::write(PATH, "scan").is_ok() {
        scan();
    }
}

/// Scans and tells what was found; `None` if the kernel has no kmemleak or was booted with it off.
pub(crate) fn scan() -> Option<Vec<String>> {
    clock::sleep(MINIMUM_AGE);
    // An object whose pointer was in a register at the first scan is found referenced at the second.
    fs::write(PATH, "scan").ok()?;
    clock::sleep(MINIMUM_AGE);
    fs::write(PATH, "scan").ok()?;
    let report = fs::read_to_string(PATH).ok()?;
    fs::write(PATH, "clear").ok()?;
    Some(report.lines().map(normalise).collect())
}
