//! Walks a trace in order: predicts each call, compares, and follows.
//!
//! The ledger's records of a call stand before it, together with those of what the hardware did between the call before
//! and this one. So a call may have met any of the states that the records lead through, and the kernel is right if its
//! answer fits one of them. Where calls of several threads overlap and touch the same thing the model says nothing, and
//! goes on from what the kernel answered.

use std::ops::BitOrAssign;

use program::{CPU_ACCESS_LIMIT, Driver, Op, Program, Queue};
use trace::{Call, Event, Kind, Mark, Out, Trace};

use crate::answer::{Answer, Guess, Told, observed, ok, unknown};
use crate::errno::{EBADF, EBUSY, EFAULT, EINTR, EINVAL, ENOENT, ENOMEM};
use crate::part::{Parts, Touch, moves_holds, touches};
use crate::story::{Difference, Story};
use crate::world::{World, file_of};

/// Threads that execute `async` operations: one more is refused.
const THREADS: usize = 4;

const POLLNVAL: u16 = 0x20;

/// An `async` operation that has not returned.
struct Flying<'a> {
    number: u16,
    op: &'a Op,
    beside: Beside,
}

/// What a call has to do with calls of other threads that ran beside it.
#[derive(Clone, Copy, Default)]
struct Beside {
    /// What they share, one of them changing it.
    met: Parts,
    /// They may have taken or dropped holds on memory.
    moved: bool,
}

impl Beside {
    /// What `op` has to do with one other call.
    fn of(op: &Op, other: &Op) -> Self {
        Self {
            met: touches(op).conflict(touches(other)),
            moved: moves_holds(other),
        }
    }
}

impl BitOrAssign for Beside {
    fn bitor_assign(&mut self, other: Self) {
        self.met |= other.met;
        self.moved |= other.moved;
    }
}

/// The walk.
pub(crate) struct Replay<'a> {
    program: &'a Program,
    world: World,
    flying: Vec<Flying<'a>>,
    /// A thread beside the first has begun something.
    threads: bool,
    /// Records since the last call.
    records: Vec<Kind>,
    /// When the last record was made that stands before an earlier call.
    recorded: u64,
    /// An allocation failed in this operation.
    fault: Option<u16>,
    story: Story,
}

impl<'a> Replay<'a> {
    /// Nothing has happened yet.
    pub(crate) fn new(driver: Driver, program: &'a Program) -> Self {
        Self {
            program,
            world: World::new(driver),
            flying: Vec::new(),
            threads: false,
            records: Vec::new(),
            recorded: 0,
            fault: None,
            story: Story::default(),
        }
    }

    /// Replays the trace as far as the program goes.
    pub(crate) fn run(mut self, trace: &Trace) -> Story {
        let mut latest = 0;
        for (index, event) in trace.events.iter().enumerate() {
            match event {
                Event::Begin { op, .. } => self.begin(*op),
                Event::Fault { op, hit: true } => self.fault = Some(*op),
                Event::Ledger(record) => {
                    self.records.push(record.kind);
                    latest = record.time;
                }
                Event::Call(call) => {
                    let overtaken = self.overtaken(call, &trace.events[index + 1..]);
                    self.call(index, call, overtaken);
                    self.recorded = latest;
                }
                Event::Mark {
                    mark: Mark::VideoClosed,
                    ..
                } => break,
                _ => {}
            }
        }
        self.story
    }

    fn begin(&mut self, number: u16) {
        self.threads = true;
        if let Some(step) = self.program.steps.get(usize::from(number)) {
            if let Op::PollDmabuf { dmabuf, .. } = step.op {
                // When it returns its slot may hold another.
                self.world.polled(dmabuf.0);
            }
            self.flying.push(Flying {
                number,
                op: &step.op,
                beside: Beside::default(),
            });
        }
    }

    /// What this call has to do with one that began before it returned, and returns later.
    fn overtaken(&mut self, call: &Call, later: &[Event]) -> Beside {
        let Some(ours) = self.program.steps.get(usize::from(call.op)) else {
            return Beside::default();
        };
        let next = later.iter().find_map(|event| match event {
            Event::Call(next) if !self.is_flying(next.op) => Some(next),
            _ => None,
        });
        let next = next.filter(|next| next.start <= call.end && self.is_flying(call.op));
        let step = next.and_then(|next| self.program.steps.get(usize::from(next.op)));
        let Some(step) = step else {
            return Beside::default();
        };
        if !self.records.is_empty() {
            // They may be of its effects, which nobody can tell from those of the hardware.
            self.world.doubt |= touches(&step.op).writes;
            self.doubt_stream(&step.op);
        }
        Beside::of(&ours.op, &step.op)
    }

    fn is_flying(&self, number: u16) -> bool {
        self.flying.iter().any(|flying| flying.number == number)
    }

    fn call(&mut self, event: usize, call: &Call, overtaken: Beside) {
        let Some(step) = self.program.steps.get(usize::from(call.op)) else {
            return;
        };
        self.story.calls += 1;
        let flying = self
            .flying
            .iter()
            .position(|flying| flying.number == call.op);
        if self.threads && may_mix(&step.op) {
            self.mix(&step.op);
        }
        let busy = self.flying.len() > THREADS && call.result == Err(EBUSY);
        let flew = flying.map(|place| self.flying.remove(place));
        if busy {
            self.story.predicted += 1;
            return self.flow(&step.op);
        }
        let hit = self.fault.take_if(|op| *op == call.op).is_some();
        // The hardware went on after this call had begun, and a call of another thread has returned since then.
        let late = flew.is_none() && call.start < self.recorded;
        let mut beside = flew.map_or_else(Beside::default, |flew| flew.beside);
        beside |= overtaken;
        beside |= self.meet(&step.op);
        let Beside { met, moved } = beside;
        let records = std::mem::take(&mut self.records);
        if !records.is_empty() {
            self.misplace();
        }
        if met.is_empty() {
            let doubt = match (hit, late) {
                (true, _) => Some("an allocation failed in the call"),
                (false, true) => Some("whether the hardware went on before the call"),
                (false, false) => None,
            };
            self.alone(event, call, (&step.op, doubt, moved), &records);
        } else {
            self.crossed(call, &step.op, &records, met);
        }
        if hit {
            self.world.shaken(&step.op, call.result.is_err());
        }
    }

    /// The records so far, with no call to judge.
    fn flow(&mut self, op: &Op) {
        for kind in std::mem::take(&mut self.records) {
            self.record(&kind, op);
        }
    }

    /// Tells the calls that fly of this one; answers what it has to do with them.
    fn meet(&mut self, op: &Op) -> Beside {
        let mut beside = Beside::default();
        for flying in &mut self.flying {
            flying.beside |= Beside::of(flying.op, op);
            beside |= Beside::of(op, flying.op);
            // It keeps the dma-buf that it was given, though its slot holds another or none by now.
            beside.moved |= flying.beside.met.has_dmabufs();
        }
        let closes = matches!(op, Op::CloseFile { .. } | Op::Open { .. });
        self.world.lingers |= closes && !beside.met.is_empty();
        beside
    }

    /// What a drain meets where another thread started or stopped something is not known.
    fn mix(&mut self, op: &Op) {
        let handle = file_of(op).and_then(|file| self.world.files.get_mut(&file.0));
        if let Some(handle) = handle {
            handle.m2m.ordered = true;
        }
    }

    /// Records before this call may be of the effects of those that fly, which are judged only when they return.
    fn misplace(&mut self) {
        for flying in &mut self.flying {
            flying.beside.met |= touches(flying.op).writes;
        }
    }

    fn record(&mut self, kind: &Kind, op: &Op) {
        let mut running = vec![op];
        running.extend(self.flying.iter().map(|flying| flying.op));
        self.world.record(kind, &running);
    }

    /// A call that shares what it touches with calls of other threads.
    fn crossed(&mut self, call: &Call, op: &Op, records: &[Kind], met: Parts) {
        self.world.doubt |= met;
        for kind in records {
            self.record(kind, op);
        }
        self.world.follow(op, &call.result);
        // Following can have ended a doubt; not this one.
        let Touch { writes, .. } = touches(op);
        self.world.doubt |= met | writes;
        if may_mix(op) && !records.is_empty() {
            self.doubt_stream(op);
        }
        self.story.not_predicted("calls that ran at the same time");
    }

    /// A call whose place in the order is certain, as far as it matters to it.
    fn alone(
        &mut self,
        event: usize,
        call: &Call,
        (op, doubt, moved): (&Op, Option<&'static str>, bool),
        records: &[Kind],
    ) {
        let mut records = records.iter();
        if ends_jobs(op) {
            records.by_ref().for_each(|kind| self.record(kind, op));
        }
        let guessed = |this: &Self| {
            let guess = this.guess(op, call);
            if moved { guess.without_holds() } else { guess }
        };
        let mut guess = guessed(self);
        while !guess.agrees(&call.result) {
            let Some(kind) = records.clone().next() else {
                break;
            };
            if self.follows(kind, op) {
                break;
            }
            records.next();
            self.record(kind, op);
            guess = guessed(self);
        }
        if let Some(doubt) = doubt.filter(|_| !guess.agrees(&call.result)) {
            guess = unknown(doubt);
        }
        if guess.is_unknown() && matches!(op, Op::Dqbuf { .. }) {
            // Whatever is dequeued was given back before.
            records.by_ref().for_each(|kind| self.record(kind, op));
        }
        self.judge(event, call, &guess);
        if may_mix(op) && records.len() > 0 {
            self.doubt_stream(op);
        }
        self.world.follow(op, &call.result);
        records.for_each(|kind| self.record(kind, op));
        self.world.set_beside(op);
        if matches!(op, Op::Join) && self.flying.is_empty() {
            self.world.lingers = false;
        }
    }

    /// Whether this is what the call does once it has succeeded, so that its answer cannot depend on it.
    fn follows(&self, kind: &Kind, op: &Op) -> bool {
        let Kind::Queue { buffer } = *kind else {
            return false;
        };
        match *op {
            Op::Qbuf {
                file, queue, index, ..
            } => {
                let ours = match self.world.places.get(&buffer.queue) {
                    Some((place, _)) => *place == file.0,
                    None => self.flying.is_empty(),
                };
                ours && buffer.output == (queue == Queue::Output) && buffer.index == index
            }
            Op::QueueRequest { .. } => self.flying.is_empty(),
            _ => false,
        }
    }

    /// The prediction, where the call itself could happen as planned.
    fn guess(&self, op: &Op, call: &Call) -> Guess {
        let guess = self.world.predict(op);
        let waited = call.end.saturating_sub(call.start) / 1000;
        match (op, &call.result) {
            (_, Err(ENOMEM)) if guess.answer != Answer::Err(ENOMEM) => {
                unknown("the kernel had no memory")
            }
            (
                Op::Dqbuf {
                    wait: program::Wait::Block,
                    ..
                },
                Err(EINTR),
            ) => unknown("the wait was interrupted"),
            (
                Op::Dqbuf {
                    wait: program::Wait::Poll,
                    ..
                },
                Err(EBADF),
            ) if self.threads => unknown("its slot may have been emptied while it waited"),
            // do_pollfd() looks the descriptor up again whenever it has waited.
            (Op::PollFile { .. }, Ok(Out::Polled { revents }))
                if self.threads && revents & POLLNVAL != 0 =>
            {
                unknown("its slot may have been emptied while it waited")
            }
            (Op::CpuSync { .. }, Err(EINTR)) if waited >= u64::from(CPU_ACCESS_LIMIT.0) => {
                unknown("the wait was interrupted")
            }
            (Op::SwSync { .. } | Op::Allocate { .. }, Err(ENOENT)) => {
                unknown("the kernel was built without it")
            }
            (Op::Qbuf { .. } | Op::PrepareBuf { .. }, Err(EFAULT))
                if self.world.imports_pages(op) =>
            {
                unknown("whether the pages of the memory lie side by side")
            }
            (Op::CpuSync { .. }, _) if self.threads && guess.answer == Answer::Err(EINVAL) => {
                unknown("another thread may have begun an access")
            }
            (Op::Join, _) if !self.flying.is_empty() => unknown("a call does not return"),
            (Op::Reload, _) if !self.flying.is_empty() => unknown("calls run"),
            (Op::Check { .. }, Ok(Out::Content(_))) => ok(Told::Content, guess.why),
            _ => guess,
        }
    }

    fn judge(&mut self, event: usize, call: &Call, guess: &Guess) {
        if guess.is_unknown() {
            return self.story.not_predicted(guess.why);
        }
        self.story.predicted += 1;
        if !guess.agrees(&call.result) {
            self.story.differences.push(Difference {
                op: call.op,
                event,
                predicted: guess.to_string(),
                observed: observed(&call.result),
            });
        }
    }

    /// The hardware finished something about the time of a command: which came first is not known.
    fn doubt_stream(&mut self, op: &Op) {
        if let Some(file) = file_of(op) {
            let formats = Parts::formats(file);
            self.world.doubt |= Parts::stream(file) | Parts::events(file) | formats;
        }
    }
}

/// Calls that end jobs first, and then do what they are for: the records of those jobs are older than their effect.
fn ends_jobs(op: &Op) -> bool {
    matches!(
        op,
        Op::Streamoff { .. } | Op::CloseFile { .. } | Op::Open { .. } | Op::Reqbufs { .. }
    )
}

/// Calls that mean something else if a job ends just before them than if it ends just after.
fn may_mix(op: &Op) -> bool {
    matches!(
        op,
        Op::DecoderCmd {
            cmd: program::DecoderCmd::Stop,
            ..
        }
    )
}
