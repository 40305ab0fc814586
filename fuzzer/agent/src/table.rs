//! What a program's names stand for at the moment: descriptors, mappings, and which slots share a plane's memory.

mod buffers;
mod maps;
mod own;
mod timelines;

use program::{
    Dmabuf, File, MAX_DMABUFS, MAX_FILES, MAX_MAPS, MAX_REQUESTS, MAX_SYNCS, Op, Queue, Request,
    Sync,
};

pub(crate) use own::Piece;

use self::own::OwnMemory;
use crate::feed::Position;
use crate::sys::file;
use crate::sys::memory::Mapping;

/// Identity of one buffer's memory in a run. Two dma-bufs exported from one buffer share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plane(u32);

/// A buffer of one open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BufferKey {
    /// Number of the open(2).
    pub(crate) serial: u32,
    pub(crate) queue: Queue,
    pub(crate) index: u32,
    /// Number of the memory in the buffer.
    pub(crate) plane: u32,
}

impl BufferKey {
    /// Whether that is the same buffer, perhaps another plane of it.
    fn is_beside(&self, other: &Self) -> bool {
        let buffer = |key: &Self| (key.serial, key.queue, key.index);
        buffer(self) == buffer(other)
    }
}

/// A descriptor as an operation found it. If the slot is closed while the operation runs, the number may already mean
/// something else; [`Table::still`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    /// The descriptor; -1 for an empty slot.
    pub(crate) fd: i32,
    generation: u32,
}

/// A file slot.
pub(crate) struct FileSlot {
    handle: Handle,
    /// Number of the open(2) in this run.
    pub(crate) serial: u32,
    /// Lengths of OUTPUT buffers, as QUERYBUF told them: index and length.
    output_lengths: Vec<(u32, u32)>,
    /// How far its input has come.
    position: Position,
    /// Its queues are multi-planar.
    multi: bool,
}

/// A dma-buf slot.
pub(crate) struct DmabufSlot {
    handle: Handle,
    /// Its size, once known.
    pub(crate) size: Option<u64>,
    /// Its mapping, for looking at the content.
    pub(crate) mapping: Option<Mapping>,
    /// Whose memory it is.
    pub(crate) plane: Option<Plane>,
}

/// A sync_file slot.
pub(crate) struct SyncSlot {
    handle: Handle,
    /// The plane whose fences it was exported from.
    pub(crate) plane: Option<Plane>,
}

/// A slot of a mapping.
pub(crate) struct MapSlot {
    pub(crate) mapping: Mapping,
    /// Number of the open(2) of the video node that it is a mapping of; none for a dma-buf's.
    pub(crate) serial: Option<u32>,
}

/// A media request slot.
pub(crate) struct RequestSlot {
    handle: Handle,
    /// Numbers of the open(2)s whose buffers are in it.
    serials: Vec<u32>,
}

const EMPTY: Handle = Handle {
    fd: -1,
    generation: 0,
};

/// All slots of a run.
pub(crate) struct Table {
    files: [FileSlot; MAX_FILES as usize],
    dmabufs: [DmabufSlot; MAX_DMABUFS as usize],
    syncs: [SyncSlot; MAX_SYNCS as usize],
    requests: [RequestSlot; MAX_REQUESTS as usize],
    maps: [Option<MapSlot>; MAX_MAPS as usize],
    /// The software timelines that were made for sync_file slots.
    timelines: [Option<i32>; MAX_SYNCS as usize],
    planes: Vec<(BufferKey, Plane)>,
    own: OwnMemory,
    opens: u32,
    generation: u32,
    next_plane: u32,
}

impl Table {
    /// All slots empty.
    pub(crate) fn new() -> Self {
        Self {
            files: std::array::from_fn(|_| FileSlot {
                handle: EMPTY,
                serial: 0,
                output_lengths: Vec::new(),
                position: Position::default(),
                multi: false,
            }),
            dmabufs: std::array::from_fn(|_| DmabufSlot {
                handle: EMPTY,
                size: None,
                mapping: None,
                plane: None,
            }),
            syncs: std::array::from_fn(|_| SyncSlot {
                handle: EMPTY,
                plane: None,
            }),
            requests: std::array::from_fn(|_| RequestSlot {
                handle: EMPTY,
                serials: Vec::new(),
            }),
            maps: std::array::from_fn(|_| None),
            timelines: [None; MAX_SYNCS as usize],
            planes: Vec::new(),
            own: OwnMemory::default(),
            opens: 0,
            generation: 0,
            next_plane: 0,
        }
    }

    /// Forgets what the last run numbered. All slots must have been closed.
    pub(crate) fn reset(&mut self) {
        self.planes.clear();
        self.own.reset();
        self.opens = 0;
        self.next_plane = 0;
    }

    fn handle(&mut self, fd: i32) -> Handle {
        self.generation += 1;
        Handle {
            fd,
            generation: self.generation,
        }
    }

    /// The descriptor in a file slot.
    pub(crate) fn file(&self, file: File) -> Handle {
        self.files[usize::from(file.0)].handle
    }

    /// The descriptor in a dma-buf slot.
    pub(crate) fn dmabuf(&self, dmabuf: Dmabuf) -> Handle {
        self.dmabufs[usize::from(dmabuf.0)].handle
    }

    /// The descriptor in a sync_file slot.
    pub(crate) fn sync(&self, sync: Sync) -> Handle {
        self.syncs[usize::from(sync.0)].handle
    }

    /// The descriptor in a request slot.
    pub(crate) fn request(&self, request: Request) -> Handle {
        self.requests[usize::from(request.0)].handle
    }

    /// The descriptor of `handle` if `current` is still the same, else -1.
    pub(crate) fn still(handle: Handle, current: Handle) -> i32 {
        if handle == current { handle.fd } else { -1 }
    }

    /// Number of the open(2) behind a file slot, if it is in use.
    pub(crate) fn serial(&self, file: File) -> Option<u32> {
        let slot = &self.files[usize::from(file.0)];
        (slot.handle.fd >= 0).then_some(slot.serial)
    }

    /// Numbers of the open(2)s that descriptors or mappings keep.
    fn serials(&self) -> impl Iterator<Item = u32> {
        let open = self.files.iter().filter(|slot| slot.handle.fd >= 0);
        let mapped = self.maps.iter().flatten().filter_map(|map| map.serial);
        open.map(|slot| slot.serial).chain(mapped)
    }

    /// Number of the open(2) behind the only file that is open, if there is exactly one.
    pub(crate) fn only_serial(&self) -> Option<u32> {
        let mut open = self.serials();
        let first = open.next()?;
        open.all(|other| other == first).then_some(first)
    }

    /// Number of the open(2) whose file this operation closes, if it does all that it can: its last descriptor or mapping goes.
    pub(crate) fn closes(&self, op: &Op) -> Option<u32> {
        let serial = match *op {
            Op::Open { file, .. } | Op::CloseFile { file } => self.serial(file)?,
            Op::DupFile { file, from } => {
                let old = self.serial(file)?;
                self.serial(from).filter(|new| *new != old).map(|_| old)?
            }
            Op::Munmap { map } => self.map(map)?.serial?,
            _ => return None,
        };
        (self.serials().filter(|other| *other == serial).count() == 1).then_some(serial)
    }

    /// Fills a file slot and numbers the open(2).
    pub(crate) fn set_file(&mut self, file: File, fd: i32, multi: bool) -> u32 {
        let serial = self.opens;
        self.opens += 1;
        self.fill_file(file, fd, serial, multi);
        serial
    }

    fn fill_file(&mut self, file: File, fd: i32, serial: u32, multi: bool) {
        let handle = self.handle(fd);
        self.files[usize::from(file.0)] = FileSlot {
            handle,
            serial,
            output_lengths: Vec::new(),
            position: Position::default(),
            multi,
        };
    }

    /// Gives the file of a slot a second one.
    pub(crate) fn second_file(&mut self, file: File, fd: i32, from: File) {
        let first = &self.files[usize::from(from.0)];
        let (serial, multi) = (first.serial, first.multi);
        self.fill_file(file, fd, serial, multi);
    }

    /// Puts another descriptor of the same file into a slot, and gives the old one.
    pub(crate) fn exchange_file(&mut self, file: File, fd: i32) -> i32 {
        let handle = self.handle(fd);
        let slot = &mut self.files[usize::from(file.0)];
        std::mem::replace(&mut slot.handle, handle).fd
    }

    /// The first slot of the same open(2), which holds what is known of the file.
    fn first(&mut self, file: File) -> &mut FileSlot {
        let index = usize::from(file.0);
        let serial = self.files[index].serial;
        let same = |slot: &FileSlot| slot.handle.fd >= 0 && slot.serial == serial;
        let first = match self.files[index].handle.fd {
            ..0 => None,
            _ => self.files.iter().position(same),
        };
        &mut self.files[first.unwrap_or(index)]
    }

    /// Whether the file's queues are multi-planar.
    pub(crate) fn is_multi(&self, file: File) -> bool {
        self.files[usize::from(file.0)].multi
    }

    /// Fills a dma-buf slot.
    pub(crate) fn set_dmabuf(&mut self, dmabuf: Dmabuf, fd: i32, plane: Plane) -> &mut DmabufSlot {
        self.second_dmabuf(dmabuf, fd, Some(plane))
    }

    /// Fills a dma-buf slot with a descriptor of what stands on that memory, if it is known.
    pub(crate) fn second_dmabuf(
        &mut self,
        dmabuf: Dmabuf,
        fd: i32,
        plane: Option<Plane>,
    ) -> &mut DmabufSlot {
        let handle = self.handle(fd);
        let slot = &mut self.dmabufs[usize::from(dmabuf.0)];
        *slot = DmabufSlot {
            handle,
            size: None,
            mapping: None,
            plane,
        };
        slot
    }

    /// The plane whose fences a sync_file was exported from.
    pub(crate) fn plane_of_sync(&self, sync: Sync) -> Option<Plane> {
        self.syncs[usize::from(sync.0)].plane
    }

    /// Fills a sync_file slot.
    pub(crate) fn set_sync(&mut self, sync: Sync, fd: i32, plane: Option<Plane>) {
        let handle = self.handle(fd);
        self.syncs[usize::from(sync.0)] = SyncSlot { handle, plane };
    }

    /// Fills a request slot.
    pub(crate) fn set_request(&mut self, request: Request, fd: i32) {
        let handle = self.handle(fd);
        self.requests[usize::from(request.0)] = RequestSlot {
            handle,
            serials: Vec::new(),
        };
    }

    /// A buffer of that open(2) went into the request.
    pub(crate) fn fill_request(&mut self, request: Request, serial: u32) {
        let serials = &mut self.requests[usize::from(request.0)].serials;
        if !serials.contains(&serial) {
            serials.push(serial);
        }
    }

    /// The open(2) whose buffers are in the request, if they are of one.
    pub(crate) fn filler(&self, request: Request) -> Option<u32> {
        match self.requests[usize::from(request.0)].serials[..] {
            [serial] => Some(serial),
            _ => None,
        }
    }

    /// Empties a request slot and gives its descriptor.
    pub(crate) fn take_request(&mut self, request: Request) -> i32 {
        let slot = &mut self.requests[usize::from(request.0)];
        slot.serials.clear();
        std::mem::replace(&mut slot.handle, EMPTY).fd
    }

    /// Empties a file slot and gives its descriptor (-1 if there was none).
    pub(crate) fn take_file(&mut self, file: File) -> i32 {
        let slot = &mut self.files[usize::from(file.0)];
        let serial = slot.serial;
        let lengths = std::mem::take(&mut slot.output_lengths);
        let position = std::mem::take(&mut slot.position);
        let handle = std::mem::replace(&mut slot.handle, EMPTY);
        if handle.fd >= 0 {
            self.hand_on(serial, lengths, position);
        }
        handle.fd
    }

    /// What is known of a file goes to its next slot, or away with the file.
    fn hand_on(&mut self, serial: u32, lengths: Vec<(u32, u32)>, position: Position) {
        let mut others = self.files.iter_mut();
        let same = |slot: &&mut FileSlot| slot.handle.fd >= 0 && slot.serial == serial;
        if let Some(next) = others.find(same) {
            // A later slot of the file has nothing of its own.
            if next.output_lengths.is_empty() {
                (next.output_lengths, next.position) = (lengths, position);
            }
        }
        self.forget_unless_open(serial);
    }

    fn forget_unless_open(&mut self, serial: u32) {
        let open = self.serials().any(|other| other == serial);
        self.planes.retain(|(key, _)| open || key.serial != serial);
        if !open {
            self.own.forget(serial);
        }
    }

    /// Empties a dma-buf slot and gives its descriptor and mapping.
    pub(crate) fn take_dmabuf(&mut self, dmabuf: Dmabuf) -> (i32, Option<Mapping>) {
        let slot = &mut self.dmabufs[usize::from(dmabuf.0)];
        slot.plane = None;
        (
            std::mem::replace(&mut slot.handle, EMPTY).fd,
            slot.mapping.take(),
        )
    }

    /// Empties a sync_file slot and gives its descriptor.
    pub(crate) fn take_sync(&mut self, sync: Sync) -> i32 {
        let slot = &mut self.syncs[usize::from(sync.0)];
        slot.plane = None;
        std::mem::replace(&mut slot.handle, EMPTY).fd
    }

    /// The slot of a dma-buf.
    pub(crate) fn dmabuf_slot(&mut self, dmabuf: Dmabuf) -> &mut DmabufSlot {
        &mut self.dmabufs[usize::from(dmabuf.0)]
    }

    /// The descriptor in a dma-buf slot and the dma-buf's size; no size for an empty slot.
    pub(crate) fn dmabuf_size(&mut self, dmabuf: Dmabuf) -> (i32, Option<u64>) {
        let slot = self.dmabuf_slot(dmabuf);
        let fd = slot.handle.fd;
        if fd >= 0 && slot.size.is_none() {
            slot.size = file::size(fd).ok();
        }
        (fd, slot.size.filter(|_| fd >= 0))
    }

    /// Names of the files that are open.
    pub(crate) fn open_files(&self) -> Vec<File> {
        in_use(&self.files, |slot| slot.handle, File)
    }

    /// Names of the dma-bufs that are open.
    pub(crate) fn open_dmabufs(&self) -> Vec<Dmabuf> {
        in_use(&self.dmabufs, |slot| slot.handle, Dmabuf)
    }

    /// Whether some file or dma-buf is open, and may so keep the memory of a plane.
    pub(crate) fn holds_anything(&self) -> bool {
        self.serials().next().is_some()
            || !self.open_dmabufs().is_empty()
            || self.maps.iter().any(Option::is_some)
    }

    /// Names of the sync_files that are open.
    pub(crate) fn open_syncs(&self) -> Vec<Sync> {
        in_use(&self.syncs, |slot| slot.handle, Sync)
    }

    /// Names of the requests that are open.
    pub(crate) fn open_requests(&self) -> Vec<Request> {
        in_use(&self.requests, |slot| slot.handle, Request)
    }
}

fn in_use<S, N>(slots: &[S], handle: fn(&S) -> Handle, name: fn(u8) -> N) -> Vec<N> {
    let used = slots
        .iter()
        .enumerate()
        .filter(|(_, slot)| handle(slot).fd >= 0);
    used.map(|(index, _)| name(index as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: BufferKey = BufferKey {
        serial: 0,
        queue: Queue::Capture,
        index: 0,
        plane: 0,
    };

    fn table() -> Table {
        let mut table = Table::new();
        table.set_file(File(0), 10, false);
        table
    }

    #[test]
    fn exports_of_one_buffer_share_its_plane() {
        let mut table = table();
        let plane = table.plane_of(KEY);
        assert_eq!(table.plane_of(KEY), plane);
        assert_ne!(table.plane_of(BufferKey { index: 1, ..KEY }), plane);
        table.set_dmabuf(Dmabuf(4), 11, plane);
        table.set_sync(Sync(2), 12, Some(plane));
        table.set_sync(Sync(1), 13, None);
        assert_eq!(table.witnesses(KEY), (vec![Sync(2)], vec![Dmabuf(4)]));
    }

    #[test]
    fn freed_buffers_are_other_memory_afterwards() {
        let mut table = table();
        let plane = table.plane_of(KEY);
        table.set_dmabuf(Dmabuf(0), 11, plane);
        table.buffers_freed(File(0), Queue::Output, 0..u32::MAX);
        assert_eq!(table.plane_of(KEY), plane);
        table.buffers_freed(File(0), Queue::Capture, 0..1);
        assert_eq!(table.witnesses(KEY), (vec![], vec![]));
        assert_ne!(table.plane_of(KEY), plane);
    }

    #[test]
    fn an_imported_dma_buf_witnesses_the_importing_buffer() {
        let mut table = table();
        let plane = table.plane_of(KEY);
        table.set_dmabuf(Dmabuf(0), 11, plane);
        let importer = BufferKey {
            queue: Queue::Output,
            ..KEY
        };
        table.bind(importer, Dmabuf(0));
        assert_eq!(table.witnesses(importer).1, vec![Dmabuf(0)]);
    }

    #[test]
    fn a_reopened_slot_is_not_still_the_same() {
        let mut table = table();
        let before = table.file(File(0));
        assert_eq!(Table::still(before, table.file(File(0))), 10);
        assert_eq!(table.take_file(File(0)), 10);
        assert_eq!(Table::still(before, table.file(File(0))), -1);
        table.set_file(File(0), 10, false);
        assert_eq!(Table::still(before, table.file(File(0))), -1);
        assert_eq!(table.serial(File(0)), Some(1));
    }

    #[test]
    fn only_one_open_file_is_the_only_one() {
        let mut table = table();
        assert_eq!(table.only_serial(), Some(0));
        table.set_file(File(3), 11, false);
        assert_eq!(table.only_serial(), None);
        assert_eq!(table.open_files(), vec![File(0), File(3)]);
    }

    #[test]
    fn a_closed_file_has_no_buffer_lengths() {
        let mut table = table();
        table.set_output_length(File(0), 3, 4096);
        assert_eq!(table.output_length(File(0), 3), Some(4096));
        table.take_file(File(0));
        assert_eq!(table.output_length(File(0), 3), None);
    }
}
