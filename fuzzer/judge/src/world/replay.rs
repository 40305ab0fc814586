//! Walks a trace in order and keeps the model of the world up to date.

mod call;
mod handle;
mod look;
mod record;
mod sync;

use std::collections::HashMap;

use program::{Dmabuf, MorePlanes, Op, Program, Queue};
use trace::{Call, Event, Mark, Trace};

use super::World;
use super::buffer::Buffers;
use super::fence::Fences;
use super::memory::{Epoch, Memories, MemoryId, Named, Slot};
use super::place::{Place, Places, target};
use super::request::Requests;
use super::sight::{Hung, Sights, Through};
use super::slot::{ImportedFences, Slots, SyncFile};
use super::span::{Moment, Timeline, is_async};
use super::stranger::Strangers;
use handle::Handle;

pub(super) fn replay<'a>(program: &'a Program, trace: &'a Trace) -> World<'a> {
    let timeline = Timeline::new(program, trace);
    let mut replay = Replay::new(program, &timeline);
    let entries = entries(program, trace, &timeline);
    for (index, event) in trace.events.iter().enumerate() {
        for call in entries.get(&index).into_iter().flatten() {
            replay.enter(call);
        }
        replay.event(index, event);
    }
    let Replay {
        fences,
        buffers,
        sights,
        imports,
        strangers,
        takers,
        ..
    } = replay;
    World {
        program,
        trace,
        timeline,
        fences,
        buffers,
        sights,
        imports,
        strangers,
        takers,
    }
}

/// The calls of the main thread, by the index of the event at which they begin.
fn entries<'a>(
    program: &Program,
    trace: &'a Trace,
    timeline: &Timeline,
) -> HashMap<usize, Vec<&'a Call>> {
    let mut entries: HashMap<usize, Vec<&Call>> = HashMap::new();
    for (index, event) in trace.events.iter().enumerate() {
        match event {
            Event::Call(call) if !is_async(program, call.op) => {
                entries.entry(timeline.opens(index)).or_default().push(call);
            }
            _ => {}
        }
    }
    entries
}

/// An asynchronous operation that has not returned.
struct Flying {
    op: u16,
    /// It works on descriptors that exist, so it must end by itself.
    must_end: bool,
    /// The versions of the slots that it names.
    versions: Versions,
}

/// Versions of the file, dma-buf and sync_file slots that an operation names. A slot that was refilled while an operation
/// ran in another thread is not the one that the operation worked on.
type Versions = [u32; 3];

struct Replay<'a> {
    program: &'a Program,
    timeline: &'a Timeline,
    places: Places,
    memories: Memories,
    dmabufs: Slots<Option<MemoryId>>,
    maps: Slots<Option<MemoryId>>,
    syncs: Slots<SyncFile>,
    flying: Vec<Flying>,
    /// When the last of those that flew returned.
    landed: u64,
    /// The operation of the main thread that runs, and what a `check` found quiet when it began.
    current: Option<(u16, Option<Epoch>)>,
    fences: Fences,
    buffers: Buffers,
    sights: Sights,
    imports: Vec<ImportedFences>,
    strangers: Strangers,
    takers: HashMap<usize, Place>,
    /// The files whose buffers were put into each request since the slot was filled.
    requests: HashMap<u8, Vec<u8>>,
    in_requests: Requests,
}

impl<'a> Replay<'a> {
    fn new(program: &'a Program, timeline: &'a Timeline) -> Self {
        Self {
            program,
            timeline,
            places: Places::default(),
            memories: Memories::default(),
            dmabufs: Slots::default(),
            maps: Slots::default(),
            syncs: Slots::default(),
            flying: Vec::new(),
            landed: 0,
            current: None,
            fences: Fences::default(),
            buffers: Buffers::default(),
            sights: Sights::default(),
            imports: Vec::new(),
            strangers: Strangers::default(),
            takers: HashMap::new(),
            requests: HashMap::new(),
            in_requests: Requests::default(),
        }
    }

    fn op(&self, op: u16) -> Option<&'a Op> {
        self.program.steps.get(usize::from(op)).map(|step| &step.op)
    }

    fn memory(&self, dmabuf: u8) -> Option<MemoryId> {
        *self.dmabufs.get(dmabuf)?
    }

    /// The memory whose content a call tells, and through what.
    fn looked_at(&self, op: &Op) -> Option<(Through, MemoryId)> {
        match *op {
            Op::Check { dmabuf } => Some((Through::Dmabuf(dmabuf.0), self.memory(dmabuf.0)?)),
            Op::Touch { map } => Some((Through::Map(map.0), (*self.maps.get(map.0)?)?)),
            _ => None,
        }
    }

    /// What a call names as the memory of a buffer's planes.
    fn named(&self, dmabuf: Option<Dmabuf>, more: MorePlanes) -> Named {
        let memory = |dmabuf: Option<Dmabuf>| dmabuf.and_then(|dmabuf| self.memory(dmabuf.0));
        [dmabuf, more.second, more.third].map(memory)
    }

    fn event(&mut self, index: usize, event: &Event) {
        match event {
            Event::Begin { op, .. } => self.begin(index, *op),
            Event::Call(call) => self.call(index, call),
            Event::Ledger(record) => self.record(Moment::of(index, record), record),
            Event::Look(look) => self.look(index, look),
            Event::Stuck { op } => self.stuck(index, *op),
            Event::Mark {
                mark: Mark::VideoClosed,
                time,
            } => {
                self.videos_closed(self.timeline.mark(index, *time));
            }
            Event::LedgerLost { .. }
            | Event::Log { .. }
            | Event::Fault { .. }
            | Event::Mark { .. }
            | Event::Died { .. } => {}
        }
    }

    /// A call of the main thread begins. Its result is known already, so what it binds can be bound before the ledger's
    /// records of the buffer arrive.
    fn enter(&mut self, call: &Call) {
        let Some(op) = self.op(call.op) else { return };
        let mut quiet = None;
        match *op {
            Op::Qbuf {
                file,
                queue,
                index,
                dmabuf,
                more,
                request,
                ..
            } => {
                self.fill_request(request, file);
                self.enter_qbuf(
                    call,
                    (file.0, queue, index),
                    self.named(dmabuf, more),
                    Memories::queue,
                );
            }
            Op::PrepareBuf {
                file,
                queue,
                index,
                dmabuf,
                more,
            } => {
                self.enter_qbuf(
                    call,
                    (file.0, queue, index),
                    self.named(dmabuf, more),
                    Memories::prepare,
                );
            }
            Op::Check { .. } | Op::Touch { .. } => {
                quiet = self
                    .looked_at(op)
                    .and_then(|(_, memory)| self.memories.quiet(memory));
            }
            _ => {}
        }
        self.current = Some((call.op, quiet));
    }

    fn enter_qbuf(
        &mut self,
        call: &Call,
        (file, queue, index): (u8, Queue, u32),
        import: Named,
        take: fn(&mut Memories, Slot, Named),
    ) {
        let Some(place) = self.places.place(file, queue) else {
            return;
        };
        match call.result {
            Ok(_) => take(&mut self.memories, (place, index), import),
            Err(_) => self.memories.touch((place, index), import),
        }
    }

    fn begin(&mut self, index: usize, op: u16) {
        let Some(what) = self.op(op) else { return };
        if let Op::Qbuf { request, file, .. } = *what {
            self.fill_request(request, file);
        }
        self.in_requests.doubt(what);
        let (must_end, versions) = (self.must_end(what), self.versions(what));
        self.flying.push(Flying {
            op,
            must_end,
            versions,
        });
        let place = |file: program::File, queue| self.places.place(file.0, queue);
        match *what {
            Op::Qbuf {
                file,
                queue,
                index,
                dmabuf,
                more,
                ..
            }
            | Op::PrepareBuf {
                file,
                queue,
                index,
                dmabuf,
                more,
            } => {
                let import = self.named(dmabuf, more);
                if let Some(place) = place(file, queue) {
                    self.memories.queue_maybe((place, index), import);
                }
            }
            Op::Reqbufs { file, queue, .. }
            | Op::CreateBufs { file, queue, .. }
            | Op::RemoveBufs { file, queue, .. } => {
                if let Some(place) = place(file, queue) {
                    self.memories.doubt(place);
                }
            }
            Op::Streamoff { file, queue } | Op::Dqbuf { file, queue, .. } => {
                if let Some(place) = place(file, queue) {
                    self.memories.unprepare_maybe(place);
                }
            }
            Op::ImportSync { dmabuf, access, .. } => {
                // It takes effect at any time from now on, and its sync_file may be another by then.
                if let Some(memory) = self.dmabufs.get(dmabuf.0).copied() {
                    self.imports.push(ImportedFences {
                        from: index,
                        memory,
                        access,
                        fences: None,
                        strangers: Vec::new(),
                    });
                }
            }
            Op::Signal { sync } => self.strangers.begin(sync.0, op, index),
            _ => {}
        }
    }

    /// A buffer of the file may be in the request from now on.
    fn fill_request(&mut self, request: Option<program::Request>, file: program::File) {
        if let Some(request) = request {
            self.requests.entry(request.0).or_default().push(file.0);
        }
    }

    fn versions(&self, op: &Op) -> Versions {
        let file = target(op).map_or(0, |(file, _)| self.places.opening(file));
        if let Op::Touch { map } = op {
            return [file, self.maps.version(map.0), 0];
        }
        let (dmabuf, sync) = (handle::dmabuf(op), handle::sync(op));
        let dmabuf = dmabuf.map_or(0, |slot| self.dmabufs.version(slot.0));
        [
            file,
            dmabuf,
            sync.map_or(0, |slot| self.syncs.version(slot.0)),
        ]
    }

    /// Whether the operation that the main thread is in empties or fills a slot that this one names.
    fn is_refilled(&self, op: &Op) -> bool {
        let main = self.current.and_then(|(number, _)| self.op(number));
        main.and_then(Handle::filled)
            .is_some_and(|handle| handle.is_named(op))
    }

    /// Whether the call ends in finite time whatever else happens. DQBUF and a poll on a video node may wait for a frame
    /// that never comes, a poll on a dma-buf for one job after the other, a poll on nothing for its timeout.
    fn must_end(&self, op: &Op) -> bool {
        match op {
            Op::PollFile { .. }
            | Op::PollRequest { .. }
            | Op::PollDmabuf { .. }
            | Op::Dqbuf { .. }
            | Op::Advance { .. }
            | Op::Join => false,
            Op::PollSync { sync, .. } => self.syncs.get(sync.0).is_some(),
            Op::Dqevent { .. } => !self.is_let_wait(op),
            _ => true,
        }
    }

    /// Whether the call may wait for ever because a DQBUF on another thread waits in the kernel, or did when it began: for
    /// that it has made the descriptor a blocking one, for all calls.
    fn is_let_wait(&self, op: &Op) -> bool {
        let (Op::Dqevent { file } | Op::Dqbuf { file, .. }) = op else {
            return false;
        };
        let others = self.program.steps.iter().filter(|step| step.asynchronous);
        others.map(|step| &step.op).any(|op| blocks(op, *file))
    }

    /// The main thread is given all the time that the whole program may take, so whatever it is stuck in must end.
    fn stuck(&mut self, event: usize, op: u16) {
        let flying = self.flying.iter().find(|flying| flying.op == op);
        let waits = || self.op(op).is_some_and(|op| self.is_let_wait(op));
        let main = || !is_async(self.program, op) && !waits();
        if flying.map_or_else(main, |flying| flying.must_end) {
            let what = self.op(op).map(Op::kind);
            self.sights.hung.push(Hung { event, op, what });
        }
    }

    /// Whether an asynchronous call on this file runs.
    fn is_busy(&self, file: u8, which: fn(&Op) -> bool) -> bool {
        let ops = self.flying.iter().filter_map(|flying| self.op(flying.op));
        ops.filter(|op| which(op)).any(|op| match op {
            // Its buffers may be any file's.
            Op::QueueRequest { .. } => true,
            _ => target(op).is_some_and(|(other, _)| other == file),
        })
    }
}

/// Whether this is a DQBUF that waits in the kernel for a buffer of the file.
fn blocks(op: &Op, of: program::File) -> bool {
    match op {
        Op::Dqbuf { file, wait, .. } => *file == of && *wait == program::Wait::Block,
        _ => false,
    }
}
