//! Software timelines, one for each sync_file slot that ever held a fence of one.

use program::Sync;

use super::Table;

impl Table {
    /// The timeline that was made last for a slot; -1 if none was.
    pub(crate) fn timeline(&self, sync: Sync) -> i32 {
        self.timelines[usize::from(sync.0)].unwrap_or(-1)
    }

    /// Gives a slot its timeline, and tells the one that it had, which the caller has to close.
    pub(crate) fn set_timeline(&mut self, sync: Sync, fd: i32) -> Option<i32> {
        self.timelines[usize::from(sync.0)].replace(fd)
    }

    /// Whether there are fences that only the program ends.
    pub(crate) fn has_timelines(&self) -> bool {
        self.timelines.iter().any(Option::is_some)
    }

    /// Takes all timelines, which the caller has to close.
    pub(crate) fn take_timelines(&mut self) -> Vec<i32> {
        let slots = self.timelines.iter_mut();
        slots.filter_map(Option::take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_keeps_its_timeline_when_its_sync_file_goes() {
        let mut table = Table::new();
        assert_eq!(table.timeline(Sync(1)), -1);
        table.set_sync(Sync(1), 10, None);
        assert_eq!(table.set_timeline(Sync(1), 11), None);
        assert_eq!(table.take_sync(Sync(1)), 10);
        assert_eq!(table.timeline(Sync(1)), 11);
        assert_eq!(table.set_timeline(Sync(1), 12), Some(11));
        assert_eq!(table.take_timelines(), [12]);
        assert!(!table.has_timelines());
    }
}
