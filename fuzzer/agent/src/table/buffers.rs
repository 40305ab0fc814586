//! Whose memory buffers stand on, and what is remembered of them.

use program::{Dmabuf, File, Queue, Sync};

use super::{BufferKey, Plane, Table};
use crate::feed::Position;

impl Table {
    /// The identity of a buffer's memory; a new one if the buffer was never named.
    pub(crate) fn plane_of(&mut self, key: BufferKey) -> Plane {
        self.find_plane(key).unwrap_or_else(|| {
            let plane = self.fresh_plane();
            self.planes.push((key, plane));
            plane
        })
    }

    /// The identity of memory that no buffer stands on yet.
    pub(crate) fn fresh_plane(&mut self) -> Plane {
        let plane = Plane(self.next_plane);
        self.next_plane += 1;
        plane
    }

    fn find_plane(&self, key: BufferKey) -> Option<Plane> {
        self.planes
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, plane)| *plane)
    }

    /// A dma-buf was queued as the memory of this buffer.
    pub(crate) fn bind(&mut self, key: BufferKey, dmabuf: Dmabuf) {
        if let Some(plane) = self.dmabufs[usize::from(dmabuf.0)].plane {
            self.planes.retain(|(known, _)| *known != key);
            self.planes.push((key, plane));
        }
    }

    /// Buffers of a queue were freed; what was exported from them lives on alone.
    pub(crate) fn buffers_freed(&mut self, file: File, queue: Queue, range: std::ops::Range<u32>) {
        let slot = self.first(file);
        let serial = slot.serial;
        slot.output_lengths.clear();
        let freed = |key: &BufferKey| {
            key.serial == serial && key.queue == queue && range.contains(&key.index)
        };
        self.planes.retain(|(key, _)| !freed(key));
        self.own.take_back(freed);
    }

    /// The sync_files exported from a buffer's memories, and the first dma-buf of each.
    pub(crate) fn witnesses(&self, key: BufferKey) -> (Vec<Sync>, Vec<Dmabuf>) {
        let mut mine: Vec<_> = self.planes.iter().collect();
        mine.retain(|(known, _)| known.is_beside(&key));
        mine.sort_by_key(|(known, _)| known.plane);
        let planes: Vec<Plane> = mine.into_iter().map(|(_, plane)| *plane).collect();
        let mut syncs = self.open_syncs();
        syncs.retain(|sync| {
            let plane = self.syncs[usize::from(sync.0)].plane;
            plane.is_some_and(|plane| planes.contains(&plane))
        });
        let first = |plane: &Plane| {
            let slots = &mut self.dmabufs.iter();
            slots.position(|slot| slot.plane == Some(*plane))
        };
        let dmabufs = planes.iter().filter_map(first);
        (syncs, dmabufs.map(|index| Dmabuf(index as u8)).collect())
    }

    /// The known length of an OUTPUT buffer.
    pub(crate) fn output_length(&mut self, file: File, index: u32) -> Option<u32> {
        let lengths = &self.first(file).output_lengths;
        lengths
            .iter()
            .find(|(known, _)| *known == index)
            .map(|(_, length)| *length)
    }

    /// How far the input of a file has come.
    pub(crate) fn position(&mut self, file: File) -> &mut Position {
        &mut self.first(file).position
    }

    /// Remembers the length of an OUTPUT buffer.
    pub(crate) fn set_output_length(&mut self, file: File, index: u32, length: u32) {
        self.first(file).output_lengths.push((index, length));
    }
}
