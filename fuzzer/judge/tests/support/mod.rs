//! Builds traces by hand: programs as text, one call after the other, with the ledger's records in between.

#![allow(dead_code, reason = "every test file uses its part")]

use judge::{Invariant, Violation, judge};
use program::{Program, Step};
use trace::*;

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const OUT0: BufferId = BufferId {
    queue: 1,
    output: true,
    index: 0,
};
pub(crate) const CAP0: BufferId = BufferId {
    queue: 2,
    output: false,
    index: 0,
};
pub(crate) const SRC: FenceId = FenceId {
    context: 1,
    seqno: 1,
};
pub(crate) const DST: FenceId = FenceId {
    context: 2,
    seqno: 1,
};
pub(crate) const JOB: u64 = 7;
pub(crate) const WORDS: u32 = 508;

/// A program and its trace in the making.
#[derive(Clone, Default)]
pub(crate) struct Run {
    pub(crate) program: Program,
    pub(crate) trace: Trace,
    pub(crate) now: u64,
    returned: u64,
    shared: Vec<(BufferId, BufferId)>,
}

impl Run {
    fn step(&mut self, text: &str) -> u16 {
        let program: Program = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let [step] = <[Step; 1]>::try_from(program.steps).expect("one operation");
        self.program.steps.push(step);
        (self.program.steps.len() - 1) as u16
    }

    fn push(&mut self, event: Event) -> &mut Self {
        self.trace.events.push(event);
        self
    }

    pub(crate) fn wait(&mut self, nanos: u64) -> &mut Self {
        self.now += nanos;
        self
    }

    /// A call of the main thread that returned now.
    pub(crate) fn call(&mut self, text: &str, result: Result<Out, i32>) -> &mut Self {
        let op = self.step(text);
        let (start, end) = (self.returned, self.now);
        self.returned = end;
        self.push(Event::Call(Call {
            op,
            start,
            end,
            result,
        }))
    }

    pub(crate) fn ok(&mut self, text: &str) -> &mut Self {
        self.call(text, Ok(Out::Done))
    }

    /// An asynchronous call begins; the number is for [`Run::end`].
    pub(crate) fn begin(&mut self, text: &str) -> u16 {
        let op = self.step(&format!("async {text}"));
        let time = self.returned;
        self.push(Event::Begin { op, time });
        self.wait(10_000);
        self.returned = self.now;
        op
    }

    /// It returned now.
    pub(crate) fn end(&mut self, op: u16, result: Result<Out, i32>) -> &mut Self {
        let (start, end) = (0, self.now);
        self.push(Event::Call(Call {
            op,
            start,
            end,
            result,
        }))
    }

    pub(crate) fn ledger(&mut self, kind: Kind) -> &mut Self {
        let time = self.now;
        self.push(Event::Ledger(Record {
            time,
            irqs: Irqs::On,
            kind,
        }))
    }

    pub(crate) fn look(&mut self, look: Look) -> &mut Self {
        self.push(Event::Look(look))
    }

    /// An allocation of the first operation failed, as it was asked to.
    pub(crate) fn fault(&mut self) -> &mut Self {
        self.push(Event::Fault { op: 0, hit: true })
    }

    pub(crate) fn log(&mut self, level: u8, text: &str) -> &mut Self {
        self.push(Event::Log {
            level,
            text: text.to_owned(),
        })
    }

    pub(crate) fn mark(&mut self, mark: Mark) -> &mut Self {
        let time = self.now;
        self.push(Event::Mark { mark, time })
    }

    pub(crate) fn lost(&mut self) -> &mut Self {
        self.push(Event::LedgerLost { count: 3 })
    }

    pub(crate) fn stuck(&mut self, op: u16) -> &mut Self {
        self.push(Event::Stuck { op })
    }

    pub(crate) fn died(&mut self, how: Death) -> &mut Self {
        self.push(Event::Died { how })
    }

    // What happens to buffers.

    pub(crate) fn queue(&mut self, buffer: BufferId) -> &mut Self {
        self.ledger(Kind::Queue { buffer })
    }

    /// The first buffer imports the memory of the second.
    pub(crate) fn share(&mut self, importer: BufferId, owner: BufferId) -> &mut Self {
        self.shared.push((importer, owner));
        self
    }

    fn resv(&self, buffer: BufferId) -> u32 {
        let shared = self.shared.iter().find(|(one, _)| *one == buffer);
        let owner = shared.map_or(buffer, |(_, owner)| *owner);
        owner.queue * 8 + owner.index
    }

    pub(crate) fn arm(&mut self, fence: FenceId, buffer: BufferId) -> &mut Self {
        let usage = if buffer.output { 2 } else { 1 };
        self.ledger(Kind::Init { fence });
        self.ledger(Kind::Attach {
            fence,
            buffer,
            plane: 0,
            usage,
            resv: self.resv(buffer),
        })
    }

    pub(crate) fn phase(&mut self, buffer: BufferId, job: u64, phase: Phase) -> &mut Self {
        self.ledger(Kind::Job { buffer, job, phase })
    }

    /// Both buffers armed and the job started.
    pub(crate) fn start(&mut self) -> &mut Self {
        self.arm(SRC, OUT0).arm(DST, CAP0);
        self.phase(OUT0, JOB, Phase::Start)
            .phase(CAP0, JOB, Phase::Start)
    }

    pub(crate) fn stores(&mut self) -> &mut Self {
        self.phase(CAP0, JOB, Phase::FirstStore)
            .phase(CAP0, JOB, Phase::LastStore)
    }

    /// The driver gives a buffer back: its fence first.
    pub(crate) fn give(&mut self, fence: FenceId, buffer: BufferId, error: i32) -> &mut Self {
        let state = if error == 0 { 5 } else { 6 };
        self.ledger(Kind::Signal { fence, error })
            .ledger(Kind::Done { buffer, state })
    }

    /// The job ends well.
    pub(crate) fn finish(&mut self) -> &mut Self {
        self.stores();
        self.give(DST, CAP0, 0).give(SRC, OUT0, 0)
    }

    /// The job is cut short.
    pub(crate) fn cut(&mut self, error: i32) -> &mut Self {
        self.give(DST, CAP0, error).give(SRC, OUT0, error)
    }

    // Verdicts.

    pub(crate) fn judge(&self) -> Vec<Violation> {
        judge(&self.program, &self.trace)
    }

    /// Nothing is wrong with it.
    #[track_caller]
    pub(crate) fn clean(&self) {
        let violations = self.judge();
        assert!(
            violations.is_empty(),
            "{violations:#?}\n{}",
            render(&self.program, &self.trace)
        );
    }

    /// This is found, among others perhaps.
    #[track_caller]
    pub(crate) fn finds(&self, invariant: Invariant) -> Violation {
        let violations = self.judge();
        let found = violations
            .iter()
            .find(|violation| violation.invariant == invariant);
        let shown = render(&self.program, &self.trace);
        found
            .cloned()
            .unwrap_or_else(|| panic!("no {invariant}: {violations:#?}\n{shown}"))
    }

    /// This and nothing else is found.
    #[track_caller]
    pub(crate) fn finds_only(&self, invariant: Invariant) -> Violation {
        self.finds_all(&[invariant])
    }

    /// These and nothing else are found; tells of the first.
    #[track_caller]
    pub(crate) fn finds_all(&self, invariants: &[Invariant]) -> Violation {
        let violations = self.judge();
        let others = violations
            .iter()
            .any(|violation| !invariants.contains(&violation.invariant));
        assert!(
            !others,
            "{violations:#?}\n{}",
            render(&self.program, &self.trace)
        );
        let found = invariants.iter().map(|invariant| self.finds(*invariant));
        found.collect::<Vec<_>>().swap_remove(0)
    }

    /// The same with every event for which `keep` is false left out.
    pub(crate) fn without(&self, keep: impl Fn(&Event) -> bool) -> Run {
        let mut run = self.clone();
        run.trace.events.retain(keep);
        run
    }

    /// The same with every event changed.
    pub(crate) fn with(&self, mut change: impl FnMut(&mut Event)) -> Run {
        let mut run = self.clone();
        run.trace.events.iter_mut().for_each(&mut change);
        run
    }
}

/// Matches a ledger record of this kind.
pub(crate) fn is(event: &Event, which: impl Fn(&Kind) -> bool) -> bool {
    matches!(event, Event::Ledger(record) if which(&record.kind))
}

pub(crate) fn buffer(index: u32, flags: u32) -> Result<Out, i32> {
    Ok(Out::Buffer {
        index,
        flags,
        bytesused: 4096,
        length: 4096,
        sequence: 0,
    })
}

pub(crate) fn fence(id: Option<FenceId>, status: i32, timestamp: i64) -> FenceInfo {
    let driver = if status == 0 {
        "vb2"
    } else {
        "detached-driver"
    }
    .to_owned();
    FenceInfo {
        driver,
        status,
        timestamp,
        id,
    }
}

pub(crate) fn pending(id: FenceId) -> SyncInfo {
    SyncInfo {
        status: 0,
        fences: vec![fence(Some(id), 0, 0)],
    }
}

pub(crate) fn stub() -> SyncInfo {
    SyncInfo {
        status: 1,
        fences: vec![fence(None, 1, -1)],
    }
}

pub(crate) fn signalled(status: i32, time: u64) -> SyncInfo {
    SyncInfo {
        status,
        fences: vec![fence(None, status, time as i64)],
    }
}

pub(crate) fn sync(info: SyncInfo) -> Result<Out, i32> {
    Ok(Out::Sync(info))
}

pub(crate) fn polled(revents: u16) -> Result<Out, i32> {
    Ok(Out::Polled { revents })
}

pub(crate) fn content(job: u64, time: u64) -> Content {
    let stamp = Some(Stamp {
        job,
        time: time as i64,
    });
    Content {
        stamp,
        good_words: WORDS,
        words: WORDS,
        hash: job,
    }
}

pub(crate) const EMPTY: Content = Content {
    stamp: None,
    good_words: 0,
    words: 0,
    hash: 99,
};

pub(crate) fn buffers(count: u32) -> Result<Out, i32> {
    Ok(Out::Buffers { index: 0, count })
}

/// A file with one buffer a queue, both exported (`d0` CAPTURE, `d1` OUTPUT) and queued, OUTPUT streaming.
pub(crate) fn prepared() -> Run {
    let mut run = Run::default();
    run.ok("a = open double");
    run.call("reqbufs a out mmap 1", buffers(1))
        .call("reqbufs a cap mmap 1", buffers(1));
    run.call("d0 = expbuf a cap 0", Ok(Out::Exported { size: 4096 }));
    run.call("d1 = expbuf a out 0", Ok(Out::Exported { size: 4096 }));
    run.ok("gate a close");
    run.call("qbuf a out 0", buffer(0, 0))
        .queue(OUT0)
        .ok("streamon a out");
    run.call("qbuf a cap 0", buffer(0, 0));
    run
}

/// As [`prepared`], with a job that the gate holds.
pub(crate) fn armed() -> Run {
    let mut run = prepared();
    run.queue(CAP0).start().ok("streamon a cap");
    run
}

/// As [`armed`], with `s0` from the CAPTURE plane and `s1` from the OUTPUT plane.
pub(crate) fn exported() -> Run {
    let mut run = armed();
    run.call("s0 = export_sync d0 rw", sync(pending(DST)));
    run.call("s1 = export_sync d1 w", sync(pending(SRC)));
    run
}

/// As [`exported`], with a job that is told to fail.
pub(crate) fn failing() -> Run {
    let mut run = exported();
    run.ok("fail a error 1");
    run
}

/// The job ended well 5 ms after [`exported`].
pub(crate) fn finished() -> Run {
    let mut run = exported();
    run.ok("gate a open")
        .wait(5 * MS)
        .finish()
        .ok("advance 5ms");
    run
}

/// As [`finished`], with the CAPTURE buffer dequeued and looked at.
pub(crate) fn dequeued() -> Run {
    let mut run = finished();
    let time = run.now;
    run.call("dqbuf a cap", buffer(0, 0));
    run.look(Look::Sync {
        slot: 0,
        info: signalled(1, time),
    });
    run.look(Look::Dmabuf {
        slot: 0,
        content: content(JOB, time),
    });
    run
}

/// Everything after the last operation, with everything in order.
pub(crate) fn close(run: &mut Run) {
    run.mark(Mark::ProgramEnd).wait(3000 * MS).mark(Mark::Quiet);
    run.wait(10 * MS).mark(Mark::VideoClosed).wait(5 * MS);
    run.ledger(Kind::Destroy { fence: SRC })
        .ledger(Kind::Destroy { fence: DST });
    run.mark(Mark::AllClosed);
}

/// A whole good run.
pub(crate) fn whole() -> Run {
    let mut run = dequeued();
    run.ok("streamoff a cap")
        .ok("streamoff a out")
        .ok("close a");
    close(&mut run);
    run
}
