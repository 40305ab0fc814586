//! How much memory the kernel uses.

use std::fmt;
use std::fs;

use anyhow::{Context, Result};

use crate::sys::clock::{self, MILLISECOND};

/// Time in which what was freed after a grace period is free.
const SETTLE: u64 = 100 * MILLISECOND;

/// What is read of `/proc/meminfo`, in KiB.
const FIELDS: [&str; 5] = [
    "MemAvailable",
    "Slab",
    "SUnreclaim",
    "PageTables",
    "VmallocUsed",
];

/// One reading.
pub(super) struct Memory([u64; FIELDS.len()]);

impl Memory {
    /// Waits for deferred work, then reads.
    pub(super) fn settled() -> Result<Self> {
        clock::sleep(SETTLE);
        Self::parse(&fs::read_to_string("/proc/meminfo")?)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut values = [0; FIELDS.len()];
        for (value, field) in values.iter_mut().zip(FIELDS) {
            let line = text.lines().find_map(|line| line.strip_prefix(field));
            let number =
                line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
            *value = number
                .and_then(|number| number.parse().ok())
                .with_context(|| format!("/proc/meminfo does not tell {field}"))?;
        }
        Ok(Self(values))
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = FIELDS.iter().zip(self.0);
        let fields: Vec<_> = fields
            .map(|(field, value)| format!("\"{field}\":{value}"))
            .collect();
        write!(f, "{{{}}}", fields.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found() {
        let text = "MemTotal: 9 kB\nMemAvailable:    7 kB\nSlab: 6 kB\nSUnreclaim: 5 kB\nPageTables: 4 kB\nVmallocUsed: 3 kB\n";
        let memory = Memory::parse(text).expect("complete");
        let expected =
            r#"{"MemAvailable":7,"Slab":6,"SUnreclaim":5,"PageTables":4,"VmallocUsed":3}"#;
        assert_eq!(memory.to_string(), expected);
        assert!(Memory::parse("Slab: 6 kB\n").is_err());
    }
}
