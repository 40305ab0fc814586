//! Small numbers for what the kernel numbers at random: fence contexts and queues, in order of first appearance.

use trace::{BufferId, FenceId};

use crate::ledger::RawRecord;
use crate::sys::v4l2;

/// Names given in one run.
#[derive(Default)]
pub(crate) struct Names {
    contexts: Vec<u64>,
    queues: Vec<NamedQueue>,
    resvs: Vec<NamedResv>,
}

/// A `dma_resv` that appeared.
struct NamedResv {
    /// Its address, `None` once its memory was surely freed, for the same reason as with queues.
    address: Option<u64>,
    /// Index of the queue whose buffer it appeared with first.
    queue: usize,
}

/// A `vb2_queue` that appeared.
struct NamedQueue {
    /// Its address, `None` once its file was closed: the kernel may give the same memory to another queue, and whether
    /// it does depends on what ran before.
    address: Option<u64>,
    /// Number of the open(2) that made it, as far as known.
    owner: Option<u32>,
}

impl Names {
    /// The normalised identity of a fence.
    pub(crate) fn fence(&mut self, context: u64, seqno: u64) -> FenceId {
        FenceId {
            context: self.context(context),
            seqno,
        }
    }

    fn context(&mut self, context: u64) -> u32 {
        if context == 0 {
            return 0;
        }
        let found = self.contexts.iter().rposition(|&known| known == context);
        let index = found.unwrap_or_else(|| {
            self.contexts.push(context);
            self.contexts.len() - 1
        });
        index as u32 + 1
    }

    /// The normalised identity of the buffer that a record names.
    pub(crate) fn buffer(&mut self, record: &RawRecord) -> BufferId {
        BufferId {
            queue: self.queue(record.queue) as u32 + 1,
            output: record.buffer_type == v4l2::TYPE_OUTPUT || record.buffer_type == 10,
            index: record.index,
        }
    }

    fn queue(&mut self, address: u64) -> usize {
        let found = self
            .queues
            .iter()
            .position(|queue| queue.address == Some(address));
        found.unwrap_or_else(|| {
            self.queues.push(NamedQueue {
                address: Some(address),
                owner: None,
            });
            self.queues.len() - 1
        })
    }

    /// Number of the reservation object at that address, which a buffer of that queue has; 0 if there is none.
    pub(crate) fn resv(&mut self, address: u64, queue: u64) -> u32 {
        if address == 0 {
            return 0;
        }
        let queue = self.queue(queue);
        let known = |resv: &NamedResv| resv.address == Some(address);
        let index = self.resvs.iter().rposition(known).unwrap_or_else(|| {
            self.resvs.push(NamedResv {
                address: Some(address),
                queue,
            });
            self.resvs.len() - 1
        });
        index as u32 + 1
    }

    /// Tells that a queue belongs to the file of that open(2).
    pub(crate) fn claim(&mut self, address: u64, owner: u32) {
        let index = self.queue(address);
        self.queues[index].owner.get_or_insert(owner);
    }

    /// Tells that a file is gone: what appears at its queues' addresses from now on is another queue. The memory of its
    /// buffers is gone with it, unless `memory_lives`: then an export or an import may keep it.
    pub(crate) fn forget(&mut self, owner: u32, memory_lives: bool) {
        for (index, queue) in self.queues.iter_mut().enumerate() {
            if queue.owner != Some(owner) {
                continue;
            }
            queue.address = None;
            let resvs = self.resvs.iter_mut().filter(|_| !memory_lives);
            resvs
                .filter(|resv| resv.queue == index)
                .for_each(|resv| resv.address = None);
        }
    }
}

/// Context and seqno that the kernel wrote into a sync_file's name: `vb2-c0:CONTEXT-SEQNO` for one pending vb2 fence.
pub(crate) fn parse(name: &str) -> Option<(u64, u64)> {
    let rest = name.strip_prefix("vb2-")?;
    let (_, identity) = rest.split_once(':')?;
    let (context, seqno) = identity.split_once('-')?;
    Some((context.parse().ok()?, seqno.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(queue: u64) -> RawRecord {
        RawRecord {
            queue,
            buffer_type: 2,
            index: 3,
            ..RawRecord::default()
        }
    }

    #[test]
    fn contexts_are_numbered_as_they_appear() {
        let mut names = Names::default();
        assert_eq!(
            names.fence(900, 1),
            FenceId {
                context: 1,
                seqno: 1
            }
        );
        assert_eq!(
            names.fence(17, 1),
            FenceId {
                context: 2,
                seqno: 1
            }
        );
        assert_eq!(
            names.fence(900, 2),
            FenceId {
                context: 1,
                seqno: 2
            }
        );
        assert_eq!(
            names.fence(0, 5),
            FenceId {
                context: 0,
                seqno: 5
            }
        );
    }

    #[test]
    fn a_closed_file_s_queue_address_names_a_new_queue() {
        let mut names = Names::default();
        assert_eq!(
            names.buffer(&record(0x10)),
            BufferId {
                queue: 1,
                output: true,
                index: 3
            }
        );
        names.claim(0x10, 7);
        names.forget(8, false);
        assert_eq!(names.buffer(&record(0x10)).queue, 1);
        names.forget(7, true);
        assert_eq!(names.buffer(&record(0x10)).queue, 2);
    }

    #[test]
    fn a_resv_keeps_its_number_while_its_memory_may_live() {
        let mut names = Names::default();
        names.claim(0x10, 7);
        assert_eq!((names.resv(0, 0x10), names.resv(0xaa, 0x10)), (0, 1));
        assert_eq!((names.resv(0xbb, 0x20), names.resv(0xaa, 0x20)), (2, 1));
        names.forget(7, true);
        assert_eq!(names.resv(0xaa, 0x20), 1);
        names.claim(0x20, 8);
        names.forget(8, false);
        assert_eq!((names.resv(0xbb, 0x30), names.resv(0xaa, 0x30)), (3, 1));
    }

    #[test]
    fn the_first_claim_of_a_queue_counts() {
        let mut names = Names::default();
        names.claim(0x10, 1);
        names.claim(0x10, 2);
        names.forget(2, false);
        assert_eq!(names.buffer(&record(0x10)).queue, 1);
    }

    #[test]
    fn names_of_pending_vb2_fences_are_understood() {
        assert_eq!(parse("vb2-c0:18446744073709551615-4"), Some((u64::MAX, 4)));
        assert_eq!(parse("vb2-o12:2-1"), Some((2, 1)));
    }

    #[test]
    fn other_names_tell_nothing() {
        for name in [
            "",
            "stub-stub0-0",
            "vb2-c0:",
            "vb2-c0:1",
            "vb2-c0:1-x",
            "sw_sync-vb2-c0:1-1",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
