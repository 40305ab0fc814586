//! Plane memory: which buffer stands on which memory, who may be writing it, and what was last written.
//!
//! Memory is told apart by where it was allocated, so all exports of a plane and all buffers that import one of them
//! share it. Where an asynchronous call leaves in doubt which memory a buffer stands on, it counts as any.

use std::collections::{HashMap, HashSet};

use program::{Memory, Queue};
use trace::{BufferId, FenceId};

use super::place::Place;

/// One plane's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MemoryId(u32);

/// A buffer of a queue.
pub(crate) type Slot = (Place, u32);

/// Most planes of a buffer that a program can name dma-bufs for.
const PLANES: usize = 3;

/// The memories behind the dma-bufs that a call names, plane by plane, as far as they are known.
pub(crate) type Named = [Option<MemoryId>; PLANES];

/// What the last job on a memory was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) job: u64,
    pub(crate) buffer: BufferId,
    /// The fence that stands for it, if one was attached.
    pub(crate) fence: Option<FenceId>,
    /// `enum vb2_buffer_state` with which it ended.
    pub(crate) ended: Option<u32>,
}

/// What a job that runs writes to, or may: no record tells of a CAPTURE buffer that it holds.
struct Written {
    job: u64,
    /// None if nobody knows.
    memories: Option<Vec<MemoryId>>,
}

/// What kind of memory a queue uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Known(Memory),
    /// An asynchronous call may have changed it.
    Unsure,
}

#[derive(Clone, Copy, Debug, Default)]
struct Import {
    memory: Named,
    /// PREPARE_BUF took the memory, so that QBUF will ignore the one it names.
    prepared: Option<bool>,
}

/// A content can be compared with another of the same memory if both carry the same mark.
pub(crate) type Epoch = (u64, u64);

/// The memories of a run.
#[derive(Default)]
pub(crate) struct Memories {
    made: u32,
    modes: HashMap<Place, Mode>,
    /// By buffer and number of the plane.
    own: HashMap<(Slot, u32), MemoryId>,
    imports: HashMap<Slot, Import>,
    /// Planes that got a fence since their buffer's last job.
    fenced: HashSet<(Slot, u32)>,
    /// Buffers that userspace may have queued; false once the driver gave them back.
    busy: HashMap<Slot, bool>,
    /// Buffers that the driver has, of queues whose owner is not known.
    strangers: HashSet<BufferId>,
    epochs: HashMap<MemoryId, u64>,
    epoch: u64,
    writes: HashMap<MemoryId, Write>,
    /// What the jobs that run write to, by their buffers.
    written: HashMap<BufferId, Written>,
    /// Memories whose buffers went since somebody last asked.
    orphans: Vec<MemoryId>,
}

impl Memories {
    /// The memory of a plane of a buffer, if it is certain.
    pub(crate) fn of(&mut self, slot: Slot, plane: u32) -> Option<MemoryId> {
        match self.modes.get(&slot.0)? {
            // Memory of the program is nobody else's either, and nobody looks at it.
            Mode::Known(Memory::Mmap | Memory::Userptr) => Some(self.own(slot, plane)),
            Mode::Known(Memory::Dmabuf) => {
                let planes = self.imports.get(&slot)?.memory;
                *planes.get(plane as usize)?
            }
            Mode::Unsure => None,
        }
    }

    fn own(&mut self, slot: Slot, plane: u32) -> MemoryId {
        if let Some(memory) = self.own.get(&(slot, plane)) {
            return *memory;
        }
        let memory = self.fresh();
        self.own.insert((slot, plane), memory);
        memory
    }

    /// Memory that no buffer stands on yet.
    pub(super) fn fresh(&mut self) -> MemoryId {
        self.made += 1;
        MemoryId(self.made)
    }

    /// The memories of a buffer that somebody asked for: those of its first plane, and of others as far as they were named.
    /// None if that of the first is not certain.
    fn all_of(&mut self, slot: Slot) -> Option<Vec<MemoryId>> {
        let first = self.of(slot, 0)?;
        let mut others: Vec<MemoryId> = match self.modes.get(&slot.0)? {
            Mode::Known(Memory::Mmap | Memory::Userptr) => {
                let mine = self.own.iter().filter(|((owner, _), _)| *owner == slot);
                mine.map(|(_, memory)| *memory).collect()
            }
            _ => {
                let import = self.imports.get(&slot)?;
                import.memory.into_iter().flatten().collect()
            }
        };
        others.push(first);
        others.sort_unstable();
        others.dedup();
        Some(others)
    }

    /// REQBUFS succeeded: whatever the queue had is gone.
    pub(super) fn reqbufs(&mut self, place: Place, memory: Memory, count: u32) {
        self.forget(place);
        if count > 0 {
            self.modes.insert(place, Mode::Known(memory));
        }
    }

    /// CREATE_BUFS succeeded: these indices are new.
    pub(super) fn create_bufs(&mut self, place: Place, memory: Memory, index: u32, count: u32) {
        self.modes.entry(place).or_insert(Mode::Known(memory));
        let new = |slot: &Slot| slot.0 == place && slot.1 >= index && slot.1 - index < count;
        self.own.retain(|(slot, _), _| !new(slot));
        self.imports.retain(|slot, _| !new(slot));
        self.busy.retain(|slot, _| !new(slot));
    }

    /// REMOVE_BUFS succeeded: these indices are gone.
    pub(super) fn remove_bufs(&mut self, place: Place, index: u32, count: u32) {
        self.drop_own(|slot| slot.0 == place && slot.1 >= index && slot.1 - index < count);
    }

    /// An asynchronous call may have changed the queue's buffers.
    pub(super) fn doubt(&mut self, place: Place) {
        self.modes.insert(place, Mode::Unsure);
    }

    /// The queue has no buffers any more.
    pub(super) fn forget(&mut self, place: Place) {
        self.modes.remove(&place);
        self.drop_own(|slot| slot.0 == place);
        self.imports.retain(|slot, _| slot.0 != place);
        self.busy.retain(|slot, _| slot.0 != place);
    }

    fn drop_own(&mut self, gone: impl Fn(&Slot) -> bool) {
        let orphans = &mut self.orphans;
        self.own.retain(|(slot, _), memory| {
            let goes = gone(slot);
            if goes {
                orphans.push(*memory);
            }
            !goes
        });
    }

    /// The memories whose buffers went since the last time: what lives on are their exports.
    pub(super) fn take_orphans(&mut self) -> Vec<MemoryId> {
        let mut orphans = std::mem::take(&mut self.orphans);
        orphans.sort_unstable();
        orphans
    }

    /// STREAMOFF succeeded: nothing of the queue is queued or prepared.
    pub(super) fn streamoff(&mut self, place: Place) {
        self.busy.retain(|slot, _| slot.0 != place);
        let imports = self.imports.iter_mut().filter(|(slot, _)| slot.0 == place);
        imports.for_each(|(_, import)| import.prepared = Some(false));
    }

    /// An asynchronous STREAMOFF or DQBUF may or may not have undone PREPARE_BUF.
    pub(super) fn unprepare_maybe(&mut self, place: Place) {
        let imports = self.imports.iter_mut().filter(|(slot, _)| slot.0 == place);
        imports.for_each(|(_, import)| import.prepared = None);
    }

    /// DQBUF returned the buffer.
    pub(super) fn dequeue(&mut self, slot: Slot) {
        self.busy.remove(&slot);
        if let Some(import) = self.imports.get_mut(&slot) {
            import.prepared = Some(false);
        }
    }

    /// QBUF succeeded, or is about to. `import` is the memory of the dma-buf that it names.
    pub(super) fn queue(&mut self, slot: Slot, import: Named) {
        self.touch(slot, import);
        let entry = self.imports.entry(slot).or_insert(Import {
            memory: Named::default(),
            prepared: Some(false),
        });
        match entry.prepared {
            Some(true) => {}
            Some(false) => entry.memory = import,
            None => {
                for (known, named) in entry.memory.iter_mut().zip(import) {
                    *known = known.filter(|memory| Some(*memory) == named);
                }
            }
        }
        self.busy.insert(slot, true);
    }

    /// PREPARE_BUF succeeded.
    pub(super) fn prepare(&mut self, slot: Slot, import: Named) {
        self.touch(slot, import);
        self.imports.insert(
            slot,
            Import {
                memory: import,
                prepared: Some(true),
            },
        );
    }

    /// QBUF or PREPARE_BUF runs in another thread, and nobody knows when it takes effect.
    pub(super) fn queue_maybe(&mut self, slot: Slot, import: Named) {
        self.touch(slot, import);
        self.imports.insert(slot, Import::default());
        self.busy.insert(slot, true);
    }

    /// QBUF or PREPARE_BUF was tried: even a failed one may have had its plane filled.
    pub(super) fn touch(&mut self, slot: Slot, import: Named) {
        let mut memories = self.all_of(slot).unwrap_or_default();
        memories.extend(import.into_iter().flatten());
        if memories.is_empty() && self.modes.contains_key(&slot.0) {
            // It stands on some memory, and nobody knows on which.
            self.epoch += 1;
        }
        for memory in memories {
            self.renew(memory);
            self.writes.remove(&memory);
        }
    }

    fn renew(&mut self, memory: MemoryId) {
        *self.epochs.entry(memory).or_default() += 1;
    }

    /// The driver got a buffer.
    pub(super) fn driver_takes(&mut self, buffer: BufferId, slot: Option<Slot>) {
        match slot {
            Some(slot) => {
                self.busy.insert(slot, true);
                self.touch(slot, Named::default());
            }
            None => {
                self.strangers.insert(buffer);
                self.epoch += 1;
            }
        }
    }

    /// The driver gave a buffer back, or signalled that it is done with it.
    pub(super) fn driver_gives(&mut self, buffer: BufferId, slot: Option<Slot>) {
        self.strangers.remove(&buffer);
        if let Some(busy) = slot.and_then(|slot| self.busy.get_mut(&slot)) {
            *busy = false;
        }
    }

    /// A plane of a buffer got a fence.
    pub(super) fn fenced(&mut self, slot: Slot, plane: u32) {
        self.fenced.insert((slot, plane));
    }

    /// A job on this buffer starts.
    pub(super) fn job_starts(&mut self, write: Write, slot: Option<Slot>) {
        let memories = slot.and_then(|slot| self.all_of(slot));
        let unsure = slot.map_or_else(Vec::new, |slot| self.take_unsure(slot));
        match &memories {
            Some(memories) => {
                for memory in memories {
                    self.renew(*memory);
                    self.writes.remove(memory);
                }
            }
            None => {
                self.epoch += 1;
                self.writes.clear();
            }
        }
        let memories = if write.buffer.output {
            let held = slot.and_then(|(place, _)| self.may_hold(place));
            self.contest(held.as_deref());
            held
        } else {
            let sure = |memory: &MemoryId| !unsure.contains(memory);
            let memories = memories.map(|all| all.into_iter().filter(sure).collect::<Vec<_>>());
            self.writes_to(write, memories.as_deref().unwrap_or_default());
            memories
        };
        let job = write.job;
        self.written.insert(write.buffer, Written { job, memories });
    }

    /// The memories of all CAPTURE buffers that the file of this queue has queued: its job may hold any.
    fn may_hold(&mut self, place: Place) -> Option<Vec<MemoryId>> {
        let queue = Queue::Capture;
        let capture = Place { queue, ..place };
        let busy = self.busy.iter();
        let busy = busy.filter(|((of, _), busy)| *of == capture && **busy);
        let slots: Vec<Slot> = busy.map(|(slot, _)| *slot).collect();
        let memories = slots.into_iter().map(|slot| self.all_of(slot));
        let memories: Option<Vec<_>> = memories.collect();
        memories.map(|all| all.concat())
    }

    /// A job may write to these, or to any: of what others write there at the same time nobody knows what stays.
    fn contest(&mut self, memories: Option<&[MemoryId]>) {
        self.writes
            .retain(|memory, _| memories.is_some_and(|contested| !contested.contains(memory)));
    }

    /// This job writes to these. Of two jobs that write to the same at a time nobody knows whose frame stays.
    fn writes_to(&mut self, write: Write, memories: &[MemoryId]) {
        let others = self.written.values();
        let others = others.filter(|other| other.job != write.job);
        let others: Vec<_> = others.map(|other| other.memories.as_deref()).collect();
        let elsewhere = |memory: &MemoryId, other: &Option<&[MemoryId]>| {
            other.is_some_and(|others| !others.contains(memory))
        };
        let alone = |memory: &&MemoryId| others.iter().all(|other| elsewhere(memory, other));
        let alone = memories.iter().filter(alone);
        self.writes.extend(alone.map(|memory| (*memory, write)));
    }

    /// The memories that were named for planes of a buffer, and of which nobody knows what its job leaves in them. A call may
    /// name more dma-bufs than the buffer has planes, and the kernel looks at none of those; a plane that got a fence is one.
    /// And it may name the same one for two planes, which overwrite each other.
    fn take_unsure(&mut self, slot: Slot) -> Vec<MemoryId> {
        let named = self.imports.get(&slot).map(|import| import.memory);
        let planes = (0..).zip(named.into_iter().flatten());
        let planes: Vec<_> = planes
            .filter_map(|(plane, memory)| Some((plane, memory?)))
            .collect();
        let is_unsure = |(plane, memory): &(u32, MemoryId)| {
            let again = planes.iter().filter(|(_, other)| other == memory).count() > 1;
            again || (*plane > 0 && !self.fenced.contains(&(slot, *plane)))
        };
        let unsure = planes.iter().filter(|plane| is_unsure(plane));
        let unsure = unsure.map(|(_, memory)| *memory).collect();
        self.fenced.retain(|(owner, _)| *owner != slot);
        unsure
    }

    /// A buffer's job ended with this state.
    pub(super) fn job_ends(&mut self, buffer: BufferId, state: u32) {
        self.written.remove(&buffer);
        let open = |write: &&mut Write| write.buffer == buffer && write.ended.is_none();
        self.writes
            .values_mut()
            .filter(open)
            .for_each(|write| write.ended = Some(state));
    }

    /// The mark of this memory's content, if nobody may be writing it.
    pub(super) fn quiet(&mut self, memory: MemoryId) -> Option<Epoch> {
        let busy: Vec<Slot> = self
            .busy
            .iter()
            .filter(|(_, b)| **b)
            .map(|(slot, _)| *slot)
            .collect();
        let elsewhere = |slot| self.all_of(slot).is_some_and(|all| !all.contains(&memory));
        let quiet = busy.into_iter().all(elsewhere) && self.strangers.is_empty();
        quiet.then(|| (self.epoch, self.epochs.get(&memory).copied().unwrap_or(0)))
    }

    /// The last job that wrote this memory.
    pub(super) fn last_write(&self, memory: MemoryId) -> Option<Write> {
        self.writes.get(&memory).copied()
    }
}
