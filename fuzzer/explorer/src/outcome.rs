//! What a program showed, in a form in which two programs can be compared that came to the same state on different ways.
//!
//! Left out is what tells of the way alone: times, sequence numbers, job ids, contents of planes, which slot a dma-buf or
//! sync_file is in, and the end of fences whose job was over before. Names of fences, jobs and queues are given anew in the order
//! in which they appear; those of buffers are translated.

use std::collections::{BTreeMap, BTreeSet};

use program::{OpKind, Program};
use trace::{BufferId, Call, Event, FenceId, Kind, Look, Out, SyncInfo, Trace};

use crate::world::HEAD_START;

/// What was shown after the first `cut` steps, a line for each observation. `rename` gives the buffers (true for OUTPUT, and
/// the index) the names that they shall have.
pub fn outcome(
    program: &Program,
    trace: &Trace,
    cut: usize,
    rename: impl Fn(bool, u32) -> u32,
) -> Vec<String> {
    let mut teller = Teller {
        program,
        cut,
        rename: &rename,
        over: BTreeSet::new(),
        fences: BTreeMap::new(),
        queues: BTreeMap::new(),
        jobs: BTreeMap::new(),
    };
    let (before, after) = trace.events.split_at(after_step(trace, cut));
    before.iter().for_each(|event| teller.hear(event));
    in_order(
        after
            .iter()
            .filter_map(|event| teller.tell(event))
            .collect(),
    )
}

/// How many events there are before the program goes on to step `cut`: up to the end of the call before, or, if that is left to
/// another thread, up to the end of its head start.
fn after_step(trace: &Trace, cut: usize) -> usize {
    let events = &trace.events;
    if cut == 0 {
        return 0;
    }
    for (at, event) in events.iter().enumerate() {
        match event {
            Event::Begin { op, time } if usize::from(*op) + 1 == cut => {
                let goes_on = time + HEAD_START * 1_000;
                let later = |event: &Event| time_of(event).is_some_and(|time| time >= goes_on);
                let more = events[at..].iter().position(later);
                return more.map_or(events.len(), |more| at + more);
            }
            Event::Call(call) if usize::from(call.op) + 1 == cut => return at + 1,
            _ => {}
        }
    }
    events.len()
}

fn time_of(event: &Event) -> Option<u64> {
    match event {
        Event::Begin { time, .. } | Event::Mark { time, .. } => Some(*time),
        Event::Call(call) => Some(call.end),
        Event::Ledger(record) => Some(record.time),
        _ => None,
    }
}

/// What was looked at, exported or destroyed in one go is told in no particular order: what is done to all buffers is done
/// in the order of names, which the other program has exchanged.
fn in_order(mut lines: Vec<String>) -> Vec<String> {
    let loose = |line: &String| {
        ["look", "destroy", "export"]
            .iter()
            .any(|word| line.starts_with(word))
    };
    lines
        .chunk_by_mut(|one, other| loose(one) && loose(other))
        .for_each(|run| run.sort_unstable());
    lines
}

struct Teller<'a> {
    program: &'a Program,
    cut: usize,
    rename: &'a dyn Fn(bool, u32) -> u32,
    /// Fences that had ended before the cut.
    over: BTreeSet<FenceId>,
    fences: BTreeMap<FenceId, usize>,
    queues: BTreeMap<u32, usize>,
    jobs: BTreeMap<u64, usize>,
}

/// The number of a name, in the order of first mention.
fn number<K: Ord>(known: &mut BTreeMap<K, usize>, name: K) -> usize {
    let next = known.len();
    *known.entry(name).or_insert(next)
}

impl Teller<'_> {
    /// Takes note of what comes before the cut.
    fn hear(&mut self, event: &Event) {
        if let Event::Ledger(record) = event
            && let Kind::Signal { fence, .. } = record.kind
        {
            self.over.insert(fence);
        }
    }

    fn tell(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Begin { op, .. } => format!("begin {}", usize::from(*op) - self.cut),
            Event::Call(call) => self.call(call)?,
            Event::Ledger(record) => self.record(&record.kind)?,
            Event::LedgerLost { count } => format!("lost {count}"),
            Event::Look(look) => looked(look)?,
            Event::Log { level, text } => format!("log {level} {text}"),
            Event::Mark { mark, .. } => format!("mark {mark:?}"),
            Event::Fault { op, hit } => format!("fault {op} {hit}"),
            Event::Stuck { op } => format!("stuck {op}"),
            Event::Died { how } => format!("died {how:?}"),
        })
    }

    fn call(&mut self, call: &Call) -> Option<String> {
        let index = usize::from(call.op);
        let kind = self.program.steps.get(index)?.op.kind();
        let result = match &call.result {
            Err(errno) => format!("errno {errno}"),
            Ok(out) => self.out(index, out),
        };
        // The call of another thread that was left waiting returns.
        let Some(place) = index.checked_sub(self.cut) else {
            return Some(format!("before {kind:?} {result}"));
        };
        Some(match kind {
            OpKind::ExportSync | OpKind::Expbuf => format!("export {kind:?} {result}"),
            _ => format!("{place} {kind:?} {result}"),
        })
    }

    fn out(&mut self, step: usize, out: &Out) -> String {
        match out {
            Out::Buffer { index, flags, .. } => {
                let output = self.is_output(step);
                format!("buffer {} flags {flags:x}", (self.rename)(output, *index))
            }
            Out::Sync(info) => self.sync(info),
            Out::Content(_) => "content".to_owned(),
            Out::Event { kind, .. } => format!("event {kind}"),
            other => format!("{other:?}"),
        }
    }

    fn is_output(&self, step: usize) -> bool {
        let text = self.program.steps[step].op.to_string();
        text.split(' ').any(|word| word == "out")
    }

    fn sync(&mut self, info: &SyncInfo) -> String {
        let names = info.fences.iter().filter_map(|fence| fence.id);
        let names: Vec<_> = names.map(|id| number(&mut self.fences, id)).collect();
        format!("sync {} of {} {names:?}", info.status, info.fences.len())
    }

    fn record(&mut self, kind: &Kind) -> Option<String> {
        Some(match *kind {
            Kind::Init { fence } => format!("init {}", number(&mut self.fences, fence)),
            Kind::Attach {
                fence,
                buffer,
                plane,
                usage,
                ..
            } => {
                let fence = number(&mut self.fences, fence);
                format!("attach {fence} {} {plane} {usage}", self.buffer(buffer))
            }
            Kind::Signal { fence, error } => {
                format!("signal {} {error}", number(&mut self.fences, fence))
            }
            Kind::Destroy { fence } if self.over.contains(&fence) => return None,
            Kind::Destroy { fence } => format!("destroy {}", number(&mut self.fences, fence)),
            Kind::Again { fence } => format!("again {}", number(&mut self.fences, fence)),
            Kind::Queue { buffer } => format!("queue {}", self.buffer(buffer)),
            Kind::Userptr { buffer } => format!("userptr {}", self.buffer(buffer)),
            Kind::Done { buffer, state } => format!("done {} {state}", self.buffer(buffer)),
            Kind::Job { buffer, job, phase } => {
                let job = number(&mut self.jobs, job);
                format!("job {job} {} {phase:?}", self.buffer(buffer))
            }
        })
    }

    fn buffer(&mut self, buffer: BufferId) -> String {
        let queue = number(&mut self.queues, buffer.queue);
        let index = (self.rename)(buffer.output, buffer.index);
        format!(
            "{queue}/{}{index}",
            if buffer.output { "out" } else { "cap" }
        )
    }
}

/// A look of the agent's own: only what is pending, or went wrong. The rest depends on what was held before.
fn looked(look: &Look) -> Option<String> {
    match look {
        Look::Sync { info, .. } => (info.status == 0).then(|| "look sync pending".to_owned()),
        Look::Dmabuf { .. } => None,
        Look::Objects { dmabufs, users } => {
            (*dmabufs > 0 || *users > 0).then(|| format!("look left {dmabufs} {users}"))
        }
        Look::Poll { revents, .. } => (*revents != 5).then(|| format!("look poll {revents}")),
        Look::Failed { what, errno, .. } => Some(format!("look {what:?} errno {errno}")),
    }
}

/// A short name of an outcome (FNV-1a), never 0.
pub fn digest(outcome: &[String]) -> u32 {
    let bytes = outcome.iter().flat_map(|line| line.bytes().chain([b'\n']));
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash.max(1)
}

/// How the fences stood at a moment: for each direction how many are pending, pending with the hardware already
/// writing, signalled, and ended with an error, of those that were not destroyed.
pub type FenceState = [u8; 8];

/// The fence states that a run went through, as they were when a call returned.
pub fn fence_states(trace: &Trace) -> BTreeSet<FenceState> {
    let mut standings: BTreeMap<FenceId, (bool, usize)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for event in &trace.events {
        match event {
            Event::Ledger(record) => stand(&mut standings, &record.kind),
            Event::Call(_) | Event::Mark { .. } => {
                let mut state = FenceState::default();
                for (output, standing) in standings.values() {
                    let place = &mut state[usize::from(*output) * 4 + standing];
                    *place = place.saturating_add(1);
                }
                seen.insert(state);
            }
            _ => {}
        }
    }
    seen
}

fn stand(standings: &mut BTreeMap<FenceId, (bool, usize)>, kind: &Kind) {
    match *kind {
        Kind::Attach { fence, buffer, .. } => {
            standings.insert(fence, (buffer.output, 0));
        }
        Kind::Signal { fence, error } => {
            if let Some((_, standing)) = standings.get_mut(&fence) {
                *standing = if error == 0 { 2 } else { 3 };
            }
        }
        Kind::Job {
            phase: trace::Phase::FirstStore,
            ..
        } => {
            let pending = standings
                .values_mut()
                .filter(|(_, standing)| *standing == 0);
            pending.for_each(|(_, standing)| *standing = 1);
        }
        Kind::Destroy { fence } => {
            standings.remove(&fence);
        }
        _ => {}
    }
}
