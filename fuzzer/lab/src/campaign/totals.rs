//! `totals.json`: which states the programs of a campaign visited, and how long fences lived.

use std::{collections::BTreeMap, path::Path};

use engine::store;
use judge::Visit;
use program::Program;
use serde::{Deserialize, Serialize};
use trace::{Event, FenceId, Kind, Trace};

use crate::{exit::malformed, json};

/// How often an operation returned in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCount {
    /// The operation's word and queue, `streamoff cap`.
    pub operation: String,
    /// Where the driver had buffers, `queued+running`.
    pub buffers: String,
    /// How fences stood, `pending`.
    pub fences: String,
    /// How often.
    pub count: u64,
}

/// How many fences lived so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifeCount {
    /// Shorter than so many nanoseconds of the guest's time, from the first attachment to the signal, and not shorter than
    /// half of that.
    pub below_ns: u64,
    /// How many.
    pub count: u64,
}

/// The content of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    states: Vec<StateCount>,
    lifetimes: Vec<LifeCount>,
}

/// Both, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// By the judge's packed triple.
    states: BTreeMap<u64, u64>,
    /// By the number of bits of the nanoseconds.
    lifetimes: BTreeMap<u32, u64>,
    /// What an earlier part of the campaign left.
    before: Written,
}

impl Totals {
    /// Counts a run.
    pub fn count(&mut self, program: &Program, trace: &Trace) {
        for visit in judge::visits(program, trace) {
            *self.states.entry(visit).or_default() += 1;
        }
        let mut attached: BTreeMap<FenceId, u64> = BTreeMap::new();
        for event in &trace.events {
            let Event::Ledger(record) = event else {
                continue;
            };
            match record.kind {
                Kind::Attach { fence, .. } => {
                    attached.entry(fence).or_insert(record.time);
                }
                Kind::Signal { fence, .. } => {
                    if let Some(begin) = attached.remove(&fence) {
                        let life = record.time.saturating_sub(begin);
                        *self
                            .lifetimes
                            .entry(u64::BITS - life.leading_zeros())
                            .or_default() += 1;
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes over what another one counted.
    pub fn absorb(&mut self, other: &mut Totals) {
        for (visit, count) in std::mem::take(&mut other.states) {
            *self.states.entry(visit).or_default() += count;
        }
        for (bits, count) in std::mem::take(&mut other.lifetimes) {
            *self.lifetimes.entry(bits).or_default() += count;
        }
    }

    /// Different triples that were visited.
    pub fn states(&self) -> usize {
        self.whole().states.len()
    }

    /// Reads what an earlier part left.
    pub fn read(path: &Path) -> anyhow::Result<Totals> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Totals::default());
            }
            Err(error) => return Err(malformed(format!("{}: {error}", path.display()))),
            Ok(text) => text,
        };
        let before = serde_json::from_str(&text)
            .map_err(|error| malformed(format!("{}: {error}", path.display())))?;
        Ok(Totals {
            before,
            ..Totals::default()
        })
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        store::write(path, json::text(&self.whole())?.as_bytes())
    }

    fn whole(&self) -> Written {
        let mut states: BTreeMap<(String, String, String), u64> = BTreeMap::new();
        for state in &self.before.states {
            let StateCount {
                operation,
                buffers,
                fences,
                count,
            } = state.clone();
            *states.entry((operation, buffers, fences)).or_default() += count;
        }
        for (packed, count) in &self.states {
            if let Some(visit) = Visit::unpack(*packed) {
                let key = (visit.operation, visit.buffers, visit.fences);
                *states.entry(key).or_default() += count;
            }
        }
        let mut lifetimes: BTreeMap<u64, u64> = BTreeMap::new();
        for (bits, count) in &self.lifetimes {
            *lifetimes
                .entry(1_u64.checked_shl(*bits).unwrap_or(u64::MAX))
                .or_default() += count;
        }
        for life in &self.before.lifetimes {
            *lifetimes.entry(life.below_ns).or_default() += life.count;
        }
        let state = |((operation, buffers, fences), count)| StateCount {
            operation,
            buffers,
            fences,
            count,
        };
        let life = |(below_ns, count)| LifeCount { below_ns, count };
        Written {
            states: states.into_iter().map(state).collect(),
            lifetimes: lifetimes.into_iter().map(life).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use trace::{BufferId, Call, Irqs, Out, Record};

    use super::*;

    fn run() -> (Program, Trace) {
        let program: Program = "a = open double\nstreamoff a cap\n".parse().unwrap();
        let fence = FenceId {
            context: 1,
            seqno: 1,
        };
        let buffer = BufferId {
            queue: 1,
            output: false,
            index: 0,
        };
        let ledger = |time, kind| {
            Event::Ledger(Record {
                time,
                irqs: Irqs::On,
                kind,
            })
        };
        let attach = Kind::Attach {
            fence,
            buffer,
            plane: 0,
            usage: 1,
            resv: 1,
        };
        let call = Event::Call(Call {
            op: 1,
            start: 0,
            end: 0,
            result: Ok(Out::Done),
        });
        let events = vec![
            ledger(100, Kind::Queue { buffer }),
            ledger(100, attach),
            call,
            ledger(700, Kind::Signal { fence, error: 0 }),
        ];
        (program, Trace { events })
    }

    #[test]
    fn counts_go_on_where_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("totals.json");
        let (program, trace) = run();
        for times in 1..=2 {
            let mut totals = Totals::read(&path).unwrap();
            totals.count(&program, &trace);
            totals.write(&path).unwrap();
            let whole = totals.whole();
            let [state] = &whole.states[..] else {
                panic!("{whole:?}");
            };
            assert_eq!(state.operation, "streamoff cap");
            assert_eq!(
                (state.buffers.as_str(), state.fences.as_str()),
                ("queued", "pending")
            );
            assert_eq!(state.count, times);
            let life = LifeCount {
                below_ns: 1024,
                count: times,
            };
            assert_eq!(whole.lifetimes, [life]);
        }
    }

    #[test]
    fn instances_are_added_up() {
        let (program, trace) = run();
        let (mut all, mut one) = (Totals::default(), Totals::default());
        one.count(&program, &trace);
        all.count(&program, &trace);
        all.absorb(&mut one);
        assert_eq!(all.whole().states[0].count, 2);
        assert_eq!(one, Totals::default());
    }
}
