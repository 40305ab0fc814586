//! A cheap model of what a program has done so far: which slots hold what, and about how far the streams have come. The
//! generator asks it what makes sense next, and the cost bounds come from it. It is a guess, never an oracle.

mod apply;
mod file;

use crate::driver::{Driver, PAGE};
use crate::handles::Handles;
use crate::op::{
    Dmabuf, File, MAX_DMABUFS, MAX_FILES, MAX_MAPS, MAX_REQUESTS, MAX_SYNCS, Map, Memory, Node, Op,
    Program, Queue, Request, Step, Sync,
};
use crate::part::Part;
pub(crate) use file::{BufferState, FileModel, QueueModel};

/// What is in a slot.
#[derive(Clone, Debug, Default)]
pub(crate) enum Slot<T> {
    /// Nothing yet.
    #[default]
    Empty,
    Live(T),
    /// Something was there and was closed.
    Stale,
}

impl<T> Slot<T> {
    pub(crate) fn live(&self) -> Option<&T> {
        if let Self::Live(content) = self {
            Some(content)
        } else {
            None
        }
    }

    fn live_mut(&mut self) -> Option<&mut T> {
        if let Self::Live(content) = self {
            Some(content)
        } else {
            None
        }
    }

    fn close(&mut self) {
        if let Self::Live(_) = self {
            *self = Self::Stale;
        }
    }
}

/// A dma-buf: its size and whose queue it was exported from, if it is a video device's.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) bytes: u64,
    pub(crate) place: Option<(File, Queue)>,
}

/// A mapping of a plane.
#[derive(Clone, Debug)]
pub(crate) struct MapModel {
    pub(crate) bytes: u64,
}

/// Open files that there can be at most: every slot and every mapping may keep another.
const MOST_OPEN: u8 = MAX_FILES + MAX_MAPS;

/// A media request: the node that it was made for, the buffers in it, and whether it was queued since it was last empty.
#[derive(Clone, Debug)]
pub(crate) struct RequestModel {
    pub(crate) node: Node,
    pub(crate) buffers: Vec<(File, u32)>,
    pub(crate) queued: bool,
}

/// The state after some steps of a program.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// What `open double` opens.
    pub(crate) driver: Driver,
    /// Which open file each slot stands for.
    handles: Handles,
    /// The open files, by their number among the handles.
    files: Vec<Slot<FileModel>>,
    /// Slots that held a file once.
    used: Vec<bool>,
    pub(crate) maps: Vec<Slot<MapModel>>,
    pub(crate) dmabufs: Vec<Slot<Export>>,
    pub(crate) syncs: Vec<Slot<()>>,
    /// The software timelines, by their sync_file slots; stale once their fence has ended.
    pub(crate) timelines: Vec<Slot<()>>,
    pub(crate) requests: Vec<Slot<RequestModel>>,
    /// `async` operations since the last `join`.
    pub(crate) pending: usize,
    /// An upper guess of the virtual time spent, in microseconds.
    pub(crate) time: u64,
    /// The most bytes that buffers and exports held at any time.
    pub(crate) peak_bytes: u64,
    /// Whether any job ever had both its buffers on streaming queues.
    pub(crate) armed: bool,
    /// The module was unloaded.
    pub(crate) unloaded: bool,
}

impl Model {
    pub(crate) fn new(driver: Driver) -> Self {
        Self {
            driver,
            handles: Handles::default(),
            files: vec![Slot::Empty; MOST_OPEN.into()],
            used: vec![false; MAX_FILES.into()],
            maps: vec![Slot::Empty; MAX_MAPS.into()],
            dmabufs: vec![Slot::Empty; MAX_DMABUFS.into()],
            syncs: vec![Slot::Empty; MAX_SYNCS.into()],
            timelines: vec![Slot::Empty; MAX_SYNCS.into()],
            requests: vec![Slot::Empty; MAX_REQUESTS.into()],
            pending: 0,
            time: 0,
            peak_bytes: 0,
            armed: false,
            unloaded: false,
        }
    }

    /// The state after all of `steps`.
    pub(crate) fn after(driver: Driver, steps: &[Step]) -> Self {
        let mut model = Self::new(driver);
        steps.iter().for_each(|step| model.apply(step));
        model
    }

    /// The file in a slot.
    pub(crate) fn file(&self, slot: File) -> Option<&FileModel> {
        self.open_file(self.handles.of(slot)?)
    }

    /// An open file by its number among the handles.
    fn open_file(&self, file: File) -> Option<&FileModel> {
        self.files.get(usize::from(file.0))?.live()
    }

    fn open_queue(&self, file: File, queue: Queue) -> Option<&QueueModel> {
        self.open_file(file).map(|model| model.queue(queue))
    }

    fn file_mut(&mut self, file: File) -> Option<&mut FileModel> {
        self.files.get_mut(usize::from(file.0))?.live_mut()
    }

    fn dmabuf(&self, dmabuf: Dmabuf) -> Option<&Export> {
        self.dmabufs.get(usize::from(dmabuf.0))?.live()
    }

    fn sync(&self, sync: Sync) -> Option<&()> {
        self.syncs.get(usize::from(sync.0))?.live()
    }

    pub(crate) fn request(&self, request: Request) -> Option<&RequestModel> {
        self.requests.get(usize::from(request.0))?.live()
    }

    pub(crate) fn queue(&self, file: File, queue: Queue) -> Option<&QueueModel> {
        self.file(file).map(|model| model.queue(queue))
    }

    /// Bytes of a dma-buf that every queue takes which imports its planes: whole pages.
    pub(crate) fn import_bytes(&self) -> u32 {
        let files = self.files.iter().filter_map(Slot::live);
        let queues = files.flat_map(|file| Queue::ALL.iter().map(|queue| file.queue(*queue)));
        let importers = queues.filter(|queue| queue.memory == Some(Memory::Dmabuf));
        let bytes = importers.map(QueueModel::buffer_bytes).max().unwrap_or(1);
        // Larger ones are beyond what a program may hold.
        u32::try_from(bytes.next_multiple_of(PAGE)).unwrap_or(u32::MAX)
    }

    /// The open files, in order of their slots.
    pub(crate) fn open_files(&self) -> Vec<File> {
        let slots = (0..MAX_FILES).map(File);
        slots.filter(|slot| self.file(*slot).is_some()).collect()
    }

    /// The mappings that there are.
    pub(crate) fn live_maps(&self) -> Vec<Map> {
        indices(&self.maps, |slot| slot.live().is_some())
            .map(Map)
            .collect()
    }

    pub(crate) fn stale_maps(&self) -> Vec<Map> {
        indices(&self.maps, is_stale).map(Map).collect()
    }

    pub(crate) fn free_map(&self) -> Option<Map> {
        free(&self.maps).map(Map)
    }

    pub(crate) fn live_dmabufs(&self) -> Vec<Dmabuf> {
        indices(&self.dmabufs, |slot| slot.live().is_some())
            .map(Dmabuf)
            .collect()
    }

    pub(crate) fn live_syncs(&self) -> Vec<Sync> {
        indices(&self.syncs, |slot| slot.live().is_some())
            .map(Sync)
            .collect()
    }

    /// The slots of software timelines whose fences are pending.
    pub(crate) fn live_timelines(&self) -> Vec<Sync> {
        indices(&self.timelines, |slot| slot.live().is_some())
            .map(Sync)
            .collect()
    }

    pub(crate) fn stale_timelines(&self) -> Vec<Sync> {
        indices(&self.timelines, is_stale).map(Sync).collect()
    }

    pub(crate) fn live_requests(&self) -> Vec<Request> {
        indices(&self.requests, |slot| slot.live().is_some())
            .map(Request)
            .collect()
    }

    pub(crate) fn free_file(&self) -> Option<File> {
        let mut slots = (0..MAX_FILES).map(File);
        slots.find(|slot| self.file(*slot).is_none())
    }

    /// The first slot that never held anything, or else the first closed one.
    pub(crate) fn free_dmabuf(&self) -> Option<Dmabuf> {
        free(&self.dmabufs).map(Dmabuf)
    }

    pub(crate) fn free_sync(&self) -> Option<Sync> {
        free(&self.syncs).map(Sync)
    }

    pub(crate) fn free_request(&self) -> Option<Request> {
        free(&self.requests).map(Request)
    }

    pub(crate) fn stale_requests(&self) -> Vec<Request> {
        indices(&self.requests, is_stale).map(Request).collect()
    }

    pub(crate) fn stale_files(&self) -> Vec<File> {
        let slots = (0..MAX_FILES).map(File);
        let gone = |slot: &File| self.used[usize::from(slot.0)] && self.file(*slot).is_none();
        slots.filter(gone).collect()
    }

    pub(crate) fn stale_dmabufs(&self) -> Vec<Dmabuf> {
        indices(&self.dmabufs, is_stale).map(Dmabuf).collect()
    }

    pub(crate) fn stale_syncs(&self) -> Vec<Sync> {
        indices(&self.syncs, is_stale).map(Sync).collect()
    }

    /// Whether every slot that the operation uses (not the one that it makes) holds something.
    pub(crate) fn knows_slots_of(&self, op: &Op) -> bool {
        let made = usize::from(op.kind().makes_slot());
        op.clone().parts().iter().skip(made).all(|part| match part {
            Part::File(file) => self.file(**file).is_some(),
            Part::Dmabuf(dmabuf) => self.dmabuf(**dmabuf).is_some(),
            Part::Imports(dmabuf, more) => {
                let mut planes = dmabuf.iter().copied().chain(more.iter());
                planes.all(|dmabuf| self.dmabuf(dmabuf).is_some())
            }
            Part::Import(dmabuf) => dmabuf.is_none_or(|dmabuf| self.dmabuf(dmabuf).is_some()),
            Part::Sync(sync) => self.sync(**sync).is_some(),
            Part::Request(request) => self.request(**request).is_some(),
            Part::Map(map) => self.maps[usize::from(map.0)].live().is_some(),
            Part::InRequest(request) => {
                request.is_none_or(|request| self.request(request).is_some())
            }
            _ => true,
        })
    }

    /// Whether a job of any file is being worked on.
    pub(crate) fn in_flight(&self) -> bool {
        self.files
            .iter()
            .filter_map(Slot::live)
            .any(FileModel::in_flight)
    }
}

fn is_stale<T>(slot: &Slot<T>) -> bool {
    matches!(slot, Slot::Stale)
}

fn indices<T>(slots: &[Slot<T>], fits: impl Fn(&Slot<T>) -> bool) -> impl Iterator<Item = u8> {
    // No table of slots is longer than 32.
    slots
        .iter()
        .enumerate()
        .filter(move |(_, slot)| fits(slot))
        .map(|(index, _)| index as u8)
}

fn free<T>(slots: &[Slot<T>]) -> Option<u8> {
    let unused = indices(slots, |slot| matches!(slot, Slot::Empty)).next();
    unused.or_else(|| indices(slots, is_stale).next())
}

/// What a program may cost, guessed from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Virtual time, in microseconds.
    pub time: u64,
    /// The most memory that its buffers hold at once, in bytes.
    pub bytes: u64,
    /// Whether any job can start.
    pub runs_job: bool,
}

impl Program {
    /// Guesses from above what the program costs to run on the double.
    pub fn cost(&self) -> Cost {
        self.cost_on(Driver::Double)
    }

    /// Guesses from above what the program costs to run on this driver.
    pub fn cost_on(&self, driver: Driver) -> Cost {
        let model = Model::after(driver, &self.steps);
        Cost {
            time: model.time,
            bytes: model.peak_bytes,
            runs_job: model.armed,
        }
    }
}
