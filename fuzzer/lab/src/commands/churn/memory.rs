//! Whether the kernel's memory grows.
//!
//! A difference of two readings says little: caches fill, KASAN keeps what was freed in a quarantine of some megabytes, a
//! page more or less is chance. So a line is laid through all readings but the first third, in which quarantine and caches
//! fill, and its slope counts.
//!
//! The quarantine is emptied in gulps, so that readings of the slab go up and down by some hundred KiB for ever, and the slope
//! has an error. Four times that may be chance, and 16 bytes a round may be in any case: readings in a row depend on each
//! other, which the error knows nothing of. The smallest thing that a round can leak of what this is about, a fence, has
//! 192 bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::CHUNK;

/// Fewer readings than this say nothing.
const FEWEST: usize = 150;

/// One reading, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Memory {
    mem_available: u64,
    slab: u64,
    #[serde(rename = "SUnreclaim")]
    unreclaimable: u64,
    page_tables: u64,
    vmalloc_used: u64,
}

/// How one number went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Growth {
    name: &'static str,
    first_kib: u64,
    last_kib: u64,
    /// Slope of the line; none if there were too few readings.
    bytes_a_round: Option<f64>,
    /// The most that is not held against the kernel.
    tolerated: Option<f64>,
}

/// Takes one number out of a reading.
type Field = fn(&Memory) -> u64;

/// The numbers that must not grow. The vmalloc area has whole pages and no caches: its line is flat.
const NUMBERS: [(&str, Field); 4] = [
    ("slab", |memory| memory.slab),
    ("unreclaimable slab", |memory| memory.unreclaimable),
    ("vmalloc", |memory| memory.vmalloc_used),
    ("page tables", |memory| memory.page_tables),
];

/// Bytes a round that are never held against the kernel, and errors of the slope that are not.
const ALWAYS: f64 = 16.0;
const ERRORS: f64 = 4.0;

/// How all numbers went.
pub(super) fn growth(readings: &[Memory]) -> Vec<Growth> {
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
        return Vec::new();
    };
    let counted = &readings[readings.len() / 3..];
    let growth = |(name, field): (&'static str, Field)| {
        let values: Vec<f64> = counted.iter().map(|memory| field(memory) as f64).collect();
        let line = (readings.len() >= FEWEST).then(|| line(&values));
        let bytes = 1024.0 / CHUNK as f64;
        Growth {
            name,
            first_kib: field(first),
            last_kib: field(last),
            bytes_a_round: line.map(|(slope, _)| slope * bytes),
            tolerated: line.map(|(_, error)| ALWAYS.max(ERRORS * error * bytes)),
        }
    };
    NUMBERS.into_iter().map(growth).collect()
}

impl Growth {
    /// Whether it may be chance. Too few readings are no evidence.
    pub(super) fn is_tolerable(&self) -> bool {
        self.bytes_a_round <= self.tolerated
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            first_kib,
            last_kib,
            ..
        } = self;
        write!(f, "{name}: {first_kib} KiB, then {last_kib} KiB")?;
        match (self.bytes_a_round, self.tolerated) {
            (Some(slope), Some(most)) => {
                write!(f, ", {slope:+.1} bytes a round ({most:.1} may be chance)")
            }
            _ => f.write_str(", too few rounds for a slope"),
        }
    }
}

/// Slope of the line with the least squares through values at 0, 1, 2, …, and the slope's standard error.
fn line(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let (middle, mean) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let points = || (0..).map(|x| f64::from(x) - middle).zip(values);
    let both: f64 = points().map(|(x, y)| x * (y - mean)).sum();
    let square: f64 = points().map(|(x, _)| x * x).sum();
    let slope = both / square;
    let rest: f64 = points().map(|(x, y)| (y - mean - slope * x).powi(2)).sum();
    (slope, (rest / (count - 2.0) / square).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(count: u64, slab: impl Fn(u64) -> u64) -> Vec<Memory> {
        let reading = |n| Memory {
            slab: slab(n),
            ..Memory::default()
        };
        (0..count).map(reading).collect()
    }

    #[test]
    fn a_line_has_its_slope() {
        assert_eq!(line(&[1.0, 3.0, 5.0, 7.0]), (2.0, 0.0));
        assert_eq!(line(&[4.0, 4.0, 4.0]), (0.0, 0.0));
        let (slope, error) = line(&[0.0, 2.0, 1.0, 3.0]);
        assert!((slope - 0.8).abs() < 1e-9 && (error - 0.18_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn caches_that_fill_are_no_leak() {
        let filling = growth(&readings(300, |n| 1000 + 50 * n.min(90) + n * n % 300));
        assert!(filling.iter().all(Growth::is_tolerable), "{filling:?}");
    }

    #[test]
    fn one_lost_fence_a_round_is_a_leak() {
        // 192 bytes a round are 1,920 a reading.
        let leaking = growth(&readings(300, |n| 1000 + n * 1920 / 1024 + n * n % 300));
        assert!(!leaking[0].is_tolerable(), "{leaking:?}");
        assert!(leaking[2].is_tolerable(), "{leaking:?}");
    }

    #[test]
    fn few_rounds_tell_nothing() {
        let few = growth(&readings(20, |n| 1000 * n));
        assert!(few.iter().all(|growth| growth.bytes_a_round.is_none()));
        assert!(growth(&[]).is_empty());
    }
}
