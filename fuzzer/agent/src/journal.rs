//! The event log of a run, shared by the threads that execute it.

use program::{Dmabuf, Sync};
use trace::{
    Call, Content, Event, FenceInfo, Irqs, Kind, Look, Looked, Mark, Out, Phase, Record, SyncInfo,
    Trace,
};

use crate::content::since;
use crate::ledger::{Entry, Ledger, RawRecord};
use crate::names::{self, Names};
use crate::objects::{Counter, Objects};
use crate::sys::fence_ledger::{F_HARDIRQ, F_IRQS_OFF};
use crate::sys::{sync_file, v4l2};
use crate::tally::Tally;

/// What an operation told, before names are normalised.
pub(crate) enum Seen {
    /// Nothing to normalise in it.
    Out(Out),
    /// The state of a sync_file.
    Sync(sync_file::Info),
}

/// The result of an operation: an errno if it failed.
pub(crate) type Outcome = Result<Seen, nix::errno::Errno>;

/// Bits 20 to 31 of a job id: the number of the open(2), as the agent sets it with `JOB_BASE`.
const SERIAL_SHIFT: u32 = 20;
const SERIAL_MASK: u64 = 0xfff;

/// The log.
pub(crate) struct Journal {
    events: Vec<Event>,
    /// Which run this is; a thread that was stuck in an earlier one must not write into it.
    pub(crate) run: u32,
    /// When the program started.
    pub(crate) start: u64,
    names: Names,
    ledger: Option<Ledger>,
    /// What there was when this run began.
    objects: Option<Objects>,
    /// What there was when everything had settled, if that has just been looked up.
    settled: Option<Objects>,
    /// What there was just now, if that has just been counted.
    counted: Option<Objects>,
    counter: Option<Counter>,
    /// Counts of this run.
    pub(crate) tally: Tally,
}

impl Journal {
    /// An empty log over that ledger.
    pub(crate) fn new(ledger: Option<Ledger>) -> Self {
        Self {
            events: Vec::new(),
            run: 0,
            start: 0,
            names: Names::default(),
            ledger,
            objects: None,
            settled: None,
            counted: None,
            counter: Counter::open(),
            tally: Tally::default(),
        }
    }

    /// Starts the log of a new run.
    pub(crate) fn begin(&mut self, start: u64) {
        self.run += 1;
        self.start = start;
        self.events.clear();
        self.names = Names::default();
        self.tally = Tally::default();
        self.objects = self.objects.or_else(|| self.count());
        self.settled = None;
        self.counted = None;
        if let Some(ledger) = &mut self.ledger {
            ledger.skip();
        }
    }

    /// Takes the events out.
    pub(crate) fn take(&mut self) -> Trace {
        let next = Vec::with_capacity(self.events.len());
        Trace {
            events: std::mem::replace(&mut self.events, next),
        }
    }

    /// True if the target has a ledger.
    pub(crate) fn has_ledger(&self) -> bool {
        self.ledger.is_some()
    }

    /// Unmaps the ledger, so that its module can be unloaded.
    pub(crate) fn close_ledger(&mut self) {
        self.ledger = None;
    }

    /// True if no fence of this run exists any more, nor a dma-buf; a target without a ledger needs some time instead.
    pub(crate) fn has_settled(&mut self, waited: u64) -> bool {
        let gone = match &self.ledger {
            Some(ledger) => ledger.alive() == 0,
            None => waited > 0,
        };
        // What was counted before is old after a wait.
        let counted = self.counted.take();
        gone && self.has_nothing_left(counted)
    }

    fn relative(&self, time: u64) -> u64 {
        time.saturating_sub(self.start)
    }

    /// Logs the ledger's new records. `claim` is the open(2) to whose queues new QUEUE records can only belong.
    pub(crate) fn drain(&mut self, claim: Option<u32>) {
        while let Some(entry) = self.ledger.as_mut().and_then(Ledger::next) {
            match entry {
                Entry::Lost(count) => self.events.push(Event::LedgerLost { count }),
                Entry::Record(raw) => self.record(&raw, claim),
            }
        }
    }

    fn record(&mut self, raw: &RawRecord, claim: Option<u32>) {
        let Some(kind) = self.kind(raw) else {
            return;
        };
        match (kind, claim) {
            (Kind::Job { job, .. }, _) => {
                self.names
                    .claim(raw.queue, (job >> SERIAL_SHIFT & SERIAL_MASK) as u32);
            }
            (Kind::Queue { .. }, Some(owner)) => self.names.claim(raw.queue, owner),
            _ => {}
        }
        self.tally.count(&kind);
        let record = Record {
            time: self.relative(raw.time_ns),
            irqs: irqs(raw.flags),
            kind,
        };
        self.events.push(Event::Ledger(record));
    }

    /// The record in normalised form; `None` for a kind that this agent does not know.
    fn kind(&mut self, raw: &RawRecord) -> Option<Kind> {
        let names = &mut self.names;
        Some(match raw.kind {
            1 => Kind::Init {
                fence: names.fence(raw.context, raw.seqno),
            },
            2 => Kind::Attach {
                fence: names.fence(raw.context, raw.seqno),
                buffer: names.buffer(raw),
                plane: raw.plane,
                usage: raw.value,
                resv: names.resv(raw.resv, raw.queue),
            },
            3 => Kind::Signal {
                fence: names.fence(raw.context, raw.seqno),
                error: raw.error,
            },
            4 => Kind::Destroy {
                fence: names.fence(raw.context, raw.seqno),
            },
            5 => Kind::Queue {
                buffer: names.buffer(raw),
            },
            6 => Kind::Done {
                buffer: names.buffer(raw),
                state: raw.value,
            },
            7 => Kind::Job {
                buffer: names.buffer(raw),
                job: raw.context,
                phase: phase(raw.value)?,
            },
            8 => Kind::Again {
                fence: names.fence(raw.context, raw.seqno),
            },
            9 => Kind::Userptr {
                buffer: names.buffer(raw),
            },
            _ => return None,
        })
    }

    /// Logs that an operation returned.
    pub(crate) fn call(&mut self, op: u16, start: u64, end: u64, outcome: Outcome) {
        let result = match outcome {
            Ok(Seen::Out(out)) => Ok(out),
            Ok(Seen::Sync(info)) => Ok(Out::Sync(self.sync_info(&info))),
            Err(errno) => Err(errno as i32),
        };
        let (start, end) = (self.relative(start), self.relative(end));
        self.events.push(Event::Call(Call {
            op,
            start,
            end,
            result,
        }));
    }

    /// Logs that an operation was handed to its thread.
    pub(crate) fn handed_over(&mut self, op: u16, time: u64) {
        let time = self.relative(time);
        self.events.push(Event::Begin { op, time });
    }

    /// Logs a stage, after what led to it.
    pub(crate) fn mark(&mut self, mark: Mark, time: u64) {
        self.drain(None);
        let time = self.relative(time);
        self.events.push(Event::Mark { mark, time });
    }

    /// Logs whether the allocation failed that was to fail in an operation.
    pub(crate) fn fault(&mut self, op: u16, hit: bool) {
        self.events.push(Event::Fault { op, hit });
    }

    /// Logs an operation that did not return.
    pub(crate) fn stuck(&mut self, op: u16) {
        self.events.push(Event::Stuck { op });
    }

    /// Logs lines of the kernel log.
    pub(crate) fn kernel_log(&mut self, lines: impl IntoIterator<Item = (u8, String)>) {
        let logs = lines
            .into_iter()
            .map(|(level, text)| Event::Log { level, text });
        self.events.extend(logs);
    }

    /// Logs the state of a sync_file slot.
    pub(crate) fn look_sync(&mut self, sync: Sync, info: nix::Result<sync_file::Info>) {
        self.drain(None);
        let look = match info {
            Ok(info) => Look::Sync {
                slot: sync.0,
                info: self.sync_info(&info),
            },
            Err(errno) => Look::Failed {
                what: Looked::Sync,
                slot: sync.0,
                errno: errno as i32,
            },
        };
        self.events.push(Event::Look(look));
    }

    /// Logs the content of a dma-buf slot.
    pub(crate) fn look_content(&mut self, dmabuf: Dmabuf, content: nix::Result<Content>) {
        self.drain(None);
        let look = match content {
            Ok(content) => Look::Dmabuf {
                slot: dmabuf.0,
                content,
            },
            Err(errno) => Look::Failed {
                what: Looked::Dmabuf,
                slot: dmabuf.0,
                errno: errno as i32,
            },
        };
        self.events.push(Event::Look(look));
    }

    /// Logs what poll(2) said of a dma-buf slot.
    pub(crate) fn look_poll(&mut self, dmabuf: Dmabuf, revents: u16) {
        self.drain(None);
        self.events.push(Event::Look(Look::Poll {
            slot: dmabuf.0,
            revents,
        }));
    }

    /// Logs what is left when everything is closed; the next run begins with that.
    pub(crate) fn look_objects(&mut self) {
        self.drain(None);
        let now = self.settled.take().or_else(|| self.count());
        if let (Some(now), Some(before)) = (now, self.objects) {
            let Objects { dmabufs, users } = now.since(before);
            self.events
                .push(Event::Look(Look::Objects { dmabufs, users }));
        }
        self.objects = now;
    }

    fn count(&mut self) -> Option<Objects> {
        self.counter.as_mut()?.count()
    }

    /// Gives the counter away, to count while the log is free; `None` if this target does not tell.
    pub(crate) fn lend_counter(&mut self) -> Option<Counter> {
        self.counter.take()
    }

    /// Takes the counter back, and what it has just counted.
    pub(crate) fn counted(&mut self, counter: Counter, now: Option<Objects>) {
        self.counter = Some(counter);
        self.counted = now;
    }

    /// True if nothing is left over of this run, as far as the target tells.
    fn has_nothing_left(&mut self, counted: Option<Objects>) -> bool {
        let now = counted.or_else(|| self.count());
        let nothing = match (self.objects, now) {
            (Some(before), Some(now)) => !now.exceeds(before),
            _ => true,
        };
        self.settled = now.filter(|_| nothing);
        nothing
    }

    /// A video file was closed: its queues' addresses may be given to others.
    /// Their memory goes with them unless `memory_lives`.
    pub(crate) fn file_closed(&mut self, serial: u32, memory_lives: bool) {
        self.names.forget(serial, memory_lives);
    }

    fn sync_info(&mut self, info: &sync_file::Info) -> SyncInfo {
        let named = if info.fences.len() == 1 {
            names::parse(sync_file::text(&info.name))
        } else {
            None
        };
        let id = named.map(|(context, seqno)| self.names.fence(context, seqno));
        let fences = info
            .fences
            .iter()
            .map(|fence| fence_info(fence, self.start, id))
            .collect();
        SyncInfo {
            status: info.status,
            fences,
        }
    }
}

fn fence_info(fence: &sync_file::FenceInfo, start: u64, id: Option<trace::FenceId>) -> FenceInfo {
    let pending = fence.status == 0 && fence.timestamp_ns == 0;
    FenceInfo {
        driver: sync_file::text(&fence.driver_name).to_owned(),
        status: fence.status,
        timestamp: if pending {
            0
        } else {
            since(start, fence.timestamp_ns)
        },
        id,
    }
}

fn irqs(flags: u16) -> Irqs {
    match flags {
        flags if flags & F_HARDIRQ != 0 => Irqs::Handler,
        flags if flags & F_IRQS_OFF != 0 => Irqs::Off,
        _ => Irqs::On,
    }
}

fn phase(value: u32) -> Option<Phase> {
    Some(match value {
        1 => Phase::Start,
        2 => Phase::FirstStore,
        3 => Phase::LastStore,
        4 => Phase::End,
        _ => return None,
    })
}

/// The `type` field of a queue.
pub(crate) fn buffer_type(queue: program::Queue) -> u32 {
    match queue {
        program::Queue::Output => v4l2::TYPE_OUTPUT,
        program::Queue::Capture => v4l2::TYPE_CAPTURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Plain;

    fn journal() -> Journal {
        let mut journal = Journal::new(None);
        journal.begin(1000);
        journal
    }

    fn info(name: &str, status: i32, timestamp_ns: u64) -> sync_file::Info {
        let mut field = [0; 32];
        field[..name.len()].copy_from_slice(name.as_bytes());
        let mut fence = sync_file::FenceInfo::zeroed();
        fence.driver_name[..3].copy_from_slice(b"vb2");
        fence.status = status;
        fence.timestamp_ns = timestamp_ns;
        sync_file::Info {
            name: field,
            status,
            fences: vec![fence],
        }
    }

    #[test]
    fn contexts_in_names_and_records_are_the_same() {
        let mut journal = journal();
        let raw = RawRecord {
            kind: 1,
            context: 77,
            seqno: 1,
            time_ns: 1500,
            ..Default::default()
        };
        journal.record(&raw, None);
        journal.call(0, 1600, 1700, Ok(Seen::Sync(info("vb2-c0:77-1", 0, 0))));
        let Trace { events } = journal.take();
        let Event::Ledger(Record {
            time: 500,
            kind: Kind::Init { fence },
            ..
        }) = events[0]
        else {
            panic!("{events:?}");
        };
        let Event::Call(Call {
            result: Ok(Out::Sync(ref seen)),
            ..
        }) = events[1]
        else {
            panic!("{events:?}");
        };
        assert_eq!(seen.fences[0].id, Some(fence));
        assert_eq!(
            (seen.fences[0].timestamp, seen.fences[0].driver.as_str()),
            (0, "vb2")
        );
    }

    #[test]
    fn a_fence_signalled_before_the_start_says_so_without_saying_when() {
        let mut journal = journal();
        let seen = journal.sync_info(&info("stub-stub0-0", 1, 10));
        assert_eq!((seen.fences[0].timestamp, seen.fences[0].id), (-1, None));
        let seen = journal.sync_info(&info("", 1, 1250));
        assert_eq!(seen.fences[0].timestamp, 250);
    }

    #[test]
    fn unknown_kinds_of_records_are_left_out() {
        let mut journal = journal();
        journal.record(
            &RawRecord {
                kind: 99,
                ..Default::default()
            },
            None,
        );
        assert_eq!(journal.take().events, vec![]);
    }

    #[test]
    fn a_job_claims_its_queue_for_the_file_that_its_id_names() {
        let mut journal = journal();
        let job = RawRecord {
            kind: 7,
            context: (1 << 32) | (3 << 20) | 1,
            value: 1,
            queue: 0x80,
            ..Default::default()
        };
        journal.record(&job, None);
        journal.file_closed(3, false);
        journal.record(&job, None);
        let queues: Vec<u32> = journal.take().events.iter().filter_map(queue_of).collect();
        assert_eq!(queues, vec![1, 2]);
    }

    fn queue_of(event: &Event) -> Option<u32> {
        match event {
            Event::Ledger(Record {
                kind: Kind::Job { buffer, .. },
                ..
            }) => Some(buffer.queue),
            _ => None,
        }
    }
}
