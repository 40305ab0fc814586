//! Mapping slots.

use program::{MAX_MAPS, Map};

use super::{MapSlot, Table};

impl Table {
    /// What is in a mapping slot.
    pub(crate) fn map(&self, map: Map) -> Option<&MapSlot> {
        self.maps[usize::from(map.0)].as_ref()
    }

    /// What is in a mapping slot, for stores.
    pub(crate) fn map_mut(&mut self, map: Map) -> Option<&mut MapSlot> {
        self.maps[usize::from(map.0)].as_mut()
    }

    /// Fills a mapping slot.
    pub(crate) fn set_map(&mut self, map: Map, slot: MapSlot) {
        self.maps[usize::from(map.0)] = Some(slot);
    }

    /// Empties a mapping slot; the caller has to drop what was in it.
    pub(crate) fn take_map(&mut self, map: Map) -> Option<MapSlot> {
        let slot = self.maps[usize::from(map.0)].take()?;
        if let Some(serial) = slot.serial {
            self.forget_unless_open(serial);
        }
        Some(slot)
    }

    /// Names of the mappings; those of video nodes, or those of dma-bufs.
    pub(crate) fn mapped(&self, video: bool) -> Vec<Map> {
        let slots = (0..MAX_MAPS).map(Map);
        let fits = |map: &MapSlot| map.serial.is_some() == video;
        slots
            .filter(|slot| self.map(*slot).is_some_and(fits))
            .collect()
    }
}
