//! States up to renaming: two worlds are one if their buffers can be renamed so that nothing differs which could ever
//! matter again.
//!
//! What is left out, because no operation that the model knows can tell it: the time of day and how old a job is beyond
//! what it has written (the model refuses to answer where an age would decide, see [`World::is_uncertain`]), numbers of
//! memories and slots, sequence numbers, job ids, events nobody fetches, and what planes contain.

use program::Queue;

use crate::world::{
    Buffer, Fault, Handle, Hold, Job, PlaneId, Progress, RequestId, SyncFile, Vb2Queue, World,
};

/// A state up to renaming, as bytes that are equal if the states are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State(Box<[u8]>);

/// New names: for each file its OUTPUT and its CAPTURE buffers, old index to new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    output: Vec<usize>,
    capture: Vec<usize>,
}

impl Naming {
    /// The old name of what is called `new` now.
    pub fn old(&self, output: bool, new: usize) -> usize {
        let names = if output { &self.output } else { &self.capture };
        names.iter().position(|name| *name == new).unwrap_or(new)
    }

    /// The new name of what was called `old`.
    pub fn new_name(&self, output: bool, old: usize) -> usize {
        let names = if output { &self.output } else { &self.capture };
        names.get(old).copied().unwrap_or(old)
    }
}

/// The state, and a renaming that leads to it. Buffers of the first file are renamed; `outputs` and `captures` say how many of
/// its names may be exchanged.
pub fn canonical(world: &World, outputs: usize, captures: usize) -> (State, Naming) {
    let candidates = permutations(outputs).into_iter().flat_map(|output| {
        permutations(captures)
            .into_iter()
            .map(move |capture| Naming {
                output: output.clone(),
                capture,
            })
    });
    let encoded = candidates.map(|naming| (encode(world, &naming), naming));
    let least = encoded.min_by(|one, other| one.0.cmp(&other.0));
    let (bytes, naming) = least.expect("there is the renaming that renames nothing");
    (State(bytes.into()), naming)
}

/// All orders of `0..count`, the ascending one first.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut found = vec![Vec::new()];
    for _ in 0..count {
        found = found
            .into_iter()
            .flat_map(|begun| {
                let rest = (0..count)
                    .filter(|next| !begun.contains(next))
                    .collect::<Vec<_>>();
                rest.into_iter()
                    .map(move |next| [begun.as_slice(), &[next]].concat())
            })
            .collect();
    }
    found
}

/// Marks the end of a list, which no name reaches.
const END: u8 = 0xff;

struct Encoder<'w> {
    world: &'w World,
    bytes: Vec<u8>,
    naming: &'w Naming,
    /// Memories in the order in which they were met.
    planes: Vec<PlaneId>,
    /// Requests, likewise.
    requests: Vec<RequestId>,
}

fn encode(world: &World, naming: &Naming) -> Vec<u8> {
    let mut encoder = Encoder {
        world,
        bytes: Vec::with_capacity(96),
        naming,
        planes: Vec::new(),
        requests: Vec::new(),
    };
    let nothing = Naming::default();
    for (position, (file, handle)) in world.files.iter().enumerate() {
        let naming = if position == 0 { naming } else { &nothing };
        encoder.bytes.push(*file);
        encoder.handle(handle, naming);
    }
    encoder.device();
    encoder.slots();
    encoder
        .bytes
        .push(u8::try_from(world.allocations).unwrap_or(END));
    encoder.bytes
}

impl Encoder<'_> {
    fn flag(&mut self, flag: bool) {
        self.bytes.push(flag.into());
    }

    fn number(&mut self, number: u32) {
        self.bytes.extend(number.to_le_bytes());
    }

    fn handle(&mut self, handle: &Handle, naming: &Naming) {
        self.queue(&handle.output, &naming.output);
        self.queue(&handle.capture, &naming.capture);
        let flags = [
            handle.changed,
            handle.draining,
            handle.stopped,
            handle.next_last,
            handle.aborting,
            handle.closing,
        ];
        flags.into_iter().for_each(|flag| self.flag(flag));
        // Only a drain asks which frame is its last.
        let last = handle.last_src.filter(|_| handle.draining);
        self.bytes
            .push(last.map_or(END, |last| named(&naming.output, last)));
        let knobs = handle.knobs;
        self.number(knobs.gate);
        self.number(knobs.fail_error);
        self.number(knobs.fail_lost);
        self.flag(knobs.abort_waits);
        let (frames, size) = knobs.change.unwrap_or_default();
        self.number(frames);
        self.number(size);
    }

    fn queue(&mut self, queue: &Vb2Queue, names: &[usize]) {
        // Names are exchanged if there is a buffer for each.
        let names = if names.len() == queue.buffers.len() {
            names
        } else {
            &[]
        };
        self.flag(queue.streaming);
        self.flag(queue.imports);
        self.flag(queue.uses_requests);
        self.flag(queue.uses_qbuf);
        self.flag(queue.last_dequeued);
        self.number(queue.frame);
        for new in 0..queue.buffers.len() {
            let old = names.iter().position(|name| *name == new).unwrap_or(new);
            if let Some(buffer) = queue.buffers.get(old) {
                self.buffer(buffer);
            }
        }
        self.bytes.push(END);
        for list in [&queue.queued, &queue.ready, &queue.done] {
            let list = list.iter().map(|index| named(names, *index));
            self.bytes.extend(list);
            self.bytes.push(END);
        }
    }

    fn buffer(&mut self, buffer: &Buffer) {
        self.bytes.push(match buffer.hold {
            Hold::Dequeued => 0,
            Hold::Queued => 1,
            Hold::Ready => 2,
            Hold::InRequest => 3,
            Hold::Done { error, last } => 4 | u8::from(error) << 1 | u8::from(last),
        });
        match buffer.plane {
            Some(plane) => self.plane(plane),
            None => self.bytes.push(END),
        }
        if let Some(request) = buffer.request {
            self.request(request);
        }
    }

    /// A request: its number in order of first mention, how far it is, and its buffers in their order.
    fn request(&mut self, request: RequestId) {
        let known = self.requests.iter().position(|known| *known == request);
        let number = known.unwrap_or(self.requests.len());
        self.bytes.push(number as u8);
        if known.is_some() {
            return;
        }
        self.requests.push(request);
        let content = &self.world.requests[request];
        self.bytes.push(match content.progress {
            Progress::Idle => 0,
            Progress::Queued => 1,
            Progress::Complete => 2,
        });
        for (file, index) in &content.buffers {
            let index = self.new_name(*file, *index);
            self.bytes.extend([*file, index]);
        }
        self.bytes.push(END);
    }

    /// The new name of an OUTPUT buffer.
    fn new_name(&self, file: u8, index: usize) -> u8 {
        let first = self.world.files.first_key_value();
        let names = first.filter(|(first, handle)| {
            **first == file && handle.output.buffers.len() == self.naming.output.len()
        });
        match names {
            Some(_) => named(&self.naming.output, index),
            None => index as u8,
        }
    }

    /// A memory: its number in order of first mention, what it holds, and how often it is exported.
    fn plane(&mut self, plane: PlaneId) {
        let known = self.planes.iter().position(|known| *known == plane);
        let number = known.unwrap_or(self.planes.len());
        self.bytes.push(number as u8);
        if known.is_some() {
            return;
        }
        self.planes.push(plane);
        let content = &self.world.planes[plane];
        let exports = self.world.exports.values();
        let exports = exports.filter(|exported| **exported == plane).count();
        self.flag(content.used);
        self.number(content.size);
        self.bytes.push(exports as u8);
    }

    fn device(&mut self) {
        match &self.world.running {
            None => self.bytes.push(END),
            Some(job) => self.job(job),
        }
        self.bytes.extend(&self.world.waiting);
        self.bytes.push(END);
        let (file, queue) = self.world.blocked.unwrap_or((END, Queue::Output));
        self.bytes.extend([file, (queue == Queue::Capture).into()]);
    }

    /// The running job. Its buffers are the first of their ready lists.
    fn job(&mut self, job: &Job) {
        self.bytes.push(job.file);
        self.number(job.written);
        self.number(job.chunks);
        self.bytes.push(match job.fault {
            None => 0,
            Some(Fault::Error) => 1,
            Some(Fault::Lost) => 2,
        });
    }

    /// Exports of memory that no buffer uses any more, and sync_files: which slot they are in does not matter.
    fn slots(&mut self) {
        let world = self.world;
        let orphans = world
            .exports
            .values()
            .filter(|plane| !self.planes.contains(plane));
        let mut orphans: Vec<_> = orphans.map(|plane| world.planes[*plane].used).collect();
        orphans.sort_unstable();
        self.bytes
            .extend(orphans.iter().map(|used| u8::from(*used)));
        self.bytes.push(END);
        let mut syncs: Vec<_> = world.syncs.values().map(|sync| self.sync(*sync)).collect();
        syncs.sort_unstable();
        self.bytes.extend(syncs);
        self.bytes.push(END);
        for (slot, request) in &world.request_slots {
            self.bytes.push(*slot);
            self.request(*request);
        }
    }

    fn sync(&self, sync: SyncFile) -> u8 {
        match sync {
            SyncFile::Idle => 0,
            SyncFile::Ended => 1,
            SyncFile::Pending(plane) => {
                let output = self.world.running.is_some_and(|job| job.src.1 == plane);
                2 + u8::from(output)
            }
        }
    }
}

fn named(names: &[usize], index: usize) -> u8 {
    names.get(index).copied().unwrap_or(index) as u8
}
