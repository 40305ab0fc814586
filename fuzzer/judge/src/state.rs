//! What a program made of the kernel's state, as numbers: the feedback that says whether a run was new in a way that code
//! coverage cannot see.
//!
//! A feature is one operation's kind and outcome, with the states in which it left buffers and fences of either
//! direction. States are there or not, and are not counted: what differs in numbers alone is no news, and would fill the
//! corpus with every third program.

use std::collections::{BTreeMap, BTreeSet};

use program::{OpKind, Program, Queue};
use trace::{BufferId, Call, Event, FenceId, Kind, Out, Phase, Trace};

use crate::world::place::target;

/// The features of a run, ascending and without repetition.
pub fn features(program: &Program, trace: &Trace) -> Vec<u64> {
    let mut observer = Observer::default();
    let mut features = BTreeSet::new();
    for event in &trace.events {
        match event {
            Event::Ledger(record) => observer.record(&record.kind),
            Event::Call(call) => features.extend(observer.call(program, call)),
            Event::Stuck { op } => features.extend(stuck(program, *op)),
            _ => {}
        }
    }
    features.into_iter().collect()
}

/// Every (buffer state, fence state, operation) triple that a run went through, in order of the calls, packed as
/// [`Visit::pack`] does.
pub fn visits(program: &Program, trace: &Trace) -> Vec<u64> {
    let mut observer = Observer::default();
    let mut visits = Vec::new();
    for event in &trace.events {
        match event {
            Event::Ledger(record) => observer.record(&record.kind),
            Event::Call(call) => visits.extend(observer.visit(program, call)),
            _ => {}
        }
    }
    visits
}

/// Where the driver has a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    Queued,
    Running,
    Done,
    Failed,
}

impl Hold {
    const ALL: [(Hold, &str); 4] = [
        (Hold::Queued, "queued"),
        (Hold::Running, "running"),
        (Hold::Done, "done"),
        (Hold::Failed, "failed"),
    ];
}

/// How a fence stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Pending,
    Signalled,
    Failed,
}

impl Standing {
    const ALL: [(Standing, &str); 3] = [
        (Standing::Pending, "pending"),
        (Standing::Signalled, "signalled"),
        (Standing::Failed, "failed"),
    ];
}

/// An operation, and what was true of buffers and fences when it returned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit {
    /// The operation's word, with the queue that it names: `streamoff cap`.
    pub operation: String,
    /// Where the driver has buffers, `queued+running`; `none` if it has none.
    pub buffers: String,
    /// How fences stand that are not destroyed, `pending+signalled`; `none` if there is none.
    pub fences: String,
}

impl Visit {
    /// The operation's kind from bit 16 on, its queue (none, OUTPUT, CAPTURE) from bit 14, four bits of buffer states from
    /// bit 3, three of fence states.
    fn pack(kind: OpKind, queue: Option<Queue>, buffers: u64, fences: u64) -> u64 {
        u64::from(word(kind, queue)) << 14 | buffers << 3 | fences
    }

    /// What a packed triple says; none if there is no such operation.
    pub fn unpack(packed: u64) -> Option<Visit> {
        let kind = OpKind::ALL.get(usize::try_from(packed >> 16).ok()?)?;
        let queue = match packed >> 14 & 3 {
            1 => " out",
            2 => " cap",
            _ => "",
        };
        let names = |all: &[&str], bits: u64| {
            let set = all
                .iter()
                .enumerate()
                .filter(|(bit, _)| bits >> bit & 1 == 1);
            let names: Vec<_> = set.map(|(_, name)| *name).collect();
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join("+")
            }
        };
        Some(Visit {
            operation: format!("{}{queue}", kind.word()),
            buffers: names(&Hold::ALL.map(|(_, name)| name), packed >> 3 & 15),
            fences: names(&Standing::ALL.map(|(_, name)| name), packed & 7),
        })
    }
}

#[derive(Default)]
struct Observer {
    buffers: BTreeMap<(u32, u32), (bool, Hold)>,
    fences: BTreeMap<FenceId, (bool, Standing)>,
}

impl Observer {
    fn record(&mut self, kind: &Kind) {
        match *kind {
            Kind::Queue { buffer } => self.hold(buffer, Hold::Queued),
            Kind::Job {
                buffer,
                phase: Phase::Start,
                ..
            } => self.hold(buffer, Hold::Running),
            Kind::Done { buffer, state: 5 } => self.hold(buffer, Hold::Done),
            Kind::Done { buffer, .. } => self.hold(buffer, Hold::Failed),
            Kind::Attach { fence, buffer, .. } => {
                self.fences
                    .insert(fence, (buffer.output, Standing::Pending));
            }
            Kind::Signal { fence, error } => {
                let standing = if error == 0 {
                    Standing::Signalled
                } else {
                    Standing::Failed
                };
                if let Some(fence) = self.fences.get_mut(&fence) {
                    fence.1 = standing;
                }
            }
            Kind::Destroy { fence } => {
                self.fences.remove(&fence);
            }
            _ => {}
        }
    }

    fn hold(&mut self, buffer: BufferId, hold: Hold) {
        self.buffers
            .insert((buffer.queue, buffer.index), (buffer.output, hold));
    }

    /// Which states buffers and fences of either direction are in, a bit each.
    fn state(&self) -> u32 {
        let mut state = 0;
        for output in [true, false] {
            for (hold, _) in Hold::ALL {
                let is = |buffer: &(bool, Hold)| *buffer == (output, hold);
                state = state << 1 | u32::from(self.buffers.values().any(is));
            }
            for (standing, _) in Standing::ALL {
                let is = |fence: &(bool, Standing)| *fence == (output, standing);
                state = state << 1 | u32::from(self.fences.values().any(is));
            }
        }
        state
    }

    fn visit(&self, program: &Program, call: &Call) -> Option<u64> {
        let op = &program.steps.get(usize::from(call.op))?.op;
        let queue = target(op).and_then(|(_, queue)| queue);
        let held = |(hold, _)| self.buffers.values().any(|buffer| buffer.1 == hold);
        let stands = |(standing, _)| self.fences.values().any(|fence| fence.1 == standing);
        let buffers = bits(Hold::ALL.map(held));
        Some(Visit::pack(
            op.kind(),
            queue,
            buffers,
            bits(Standing::ALL.map(stands)),
        ))
    }

    fn call(&self, program: &Program, call: &Call) -> Option<u64> {
        let op = &program.steps.get(usize::from(call.op))?.op;
        let queue = target(op).and_then(|(_, queue)| queue);
        let parts = [word(op.kind(), queue), outcome(call), self.state()];
        Some(parts.into_iter().fold(SEED, mix))
    }
}

/// The first one lowest.
fn bits<const N: usize>(set: [bool; N]) -> u64 {
    let bit = |(place, set): (usize, bool)| u64::from(set) << place;
    set.into_iter().enumerate().map(bit).sum()
}

/// None, one, or more.
fn few(count: usize) -> u32 {
    count.min(2) as u32
}

fn word(kind: OpKind, queue: Option<Queue>) -> u32 {
    let queue = match queue {
        None => 0,
        Some(Queue::Output) => 1,
        Some(Queue::Capture) => 2,
    };
    (kind as u32) << 2 | queue
}

/// The errno, or what a success told as far as it is a state and no measure.
fn outcome(call: &Call) -> u32 {
    const SUCCESS: u32 = 1 << 31;
    match &call.result {
        Err(errno) => errno.unsigned_abs() & !SUCCESS,
        Ok(Out::Sync(info)) => {
            SUCCESS | (info.status.signum() + 1) as u32 | few(info.fences.len()) << 2
        }
        Ok(Out::Polled { revents }) => SUCCESS | 0x100 | u32::from(*revents) << 16 & !SUCCESS,
        // V4L2_BUF_FLAG_ERROR and V4L2_BUF_FLAG_LAST
        Ok(Out::Buffer { flags, .. }) => SUCCESS | 0x200 | flags & 0x0010_0040,
        Ok(Out::Content(content)) => SUCCESS | 0x300 | u32::from(content.stamp.is_some()),
        Ok(_) => SUCCESS,
    }
}

fn stuck(program: &Program, op: u16) -> Option<u64> {
    let op = &program.steps.get(usize::from(op))?.op;
    let queue = target(op).and_then(|(_, queue)| queue);
    Some(
        [word(op.kind(), queue), u32::MAX]
            .into_iter()
            .fold(SEED, mix),
    )
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, word by word, with a last shift so that the low bits depend on all of them.
fn mix(hash: u64, word: u32) -> u64 {
    let hash = (hash ^ u64::from(word)).wrapping_mul(0x100_0000_01b3);
    hash ^ hash >> 29
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_visit_says_what_was_packed() {
        let buffers = bits([true, true, false, false]);
        let packed = Visit::pack(
            OpKind::Streamoff,
            Some(Queue::Capture),
            buffers,
            bits([true, false, false]),
        );
        let visit = Visit::unpack(packed).unwrap();
        assert_eq!(visit.operation, "streamoff cap");
        assert_eq!(
            (visit.buffers.as_str(), visit.fences.as_str()),
            ("queued+running", "pending")
        );
        let idle = Visit::unpack(Visit::pack(OpKind::Join, None, 0, 0)).unwrap();
        assert_eq!(
            (idle.operation.as_str(), idle.buffers.as_str()),
            ("join", "none")
        );
        assert_eq!(Visit::unpack(u64::MAX), None);
    }
}
