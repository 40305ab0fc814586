//! The memory of planes, and who holds it besides its queue: that is what `V4L2_BUF_FLAG_MAPPED` tells.

/// Number of a memory.
pub(crate) type MemoryId = usize;

/// A plane's memory. It outlives its queue as long as it is exported.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Memory {
    /// Bytes of its dma-bufs, if known: whole pages.
    size: Option<u64>,
    /// dma-buf descriptors, and buffers that have imported one.
    holders: u32,
    /// Somebody else may hold it: `dma_buf_poll()` keeps the file while it waits for a fence.
    unsure: bool,
}

/// All memories that were ever allocated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memories(Vec<Memory>);

/// `PAGE_SIZE`
const PAGE: u64 = 4096;

impl Memories {
    /// `__vb2_buf_mem_alloc()` of so many bytes.
    pub(crate) fn allocate(&mut self, length: Option<u32>) -> MemoryId {
        self.0.push(Memory {
            size: length.map(|length| u64::from(length).next_multiple_of(PAGE)),
            holders: 0,
            unsure: false,
        });
        self.0.len() - 1
    }

    /// Bytes of its dma-bufs.
    pub(crate) fn size(&self, memory: MemoryId) -> Option<u64> {
        self.0.get(memory)?.size
    }

    pub(crate) fn set_size(&mut self, memory: MemoryId, size: u64) {
        if let Some(memory) = self.0.get_mut(memory) {
            memory.size = Some(size);
        }
    }

    pub(crate) fn hold(&mut self, memory: MemoryId) {
        if let Some(memory) = self.0.get_mut(memory) {
            memory.holders += 1;
        }
    }

    pub(crate) fn release(&mut self, memory: MemoryId) {
        if let Some(memory) = self.0.get_mut(memory) {
            memory.holders = memory.holders.saturating_sub(1);
        }
    }

    /// Somebody may hold it for an unknown time.
    pub(crate) fn doubt(&mut self, memory: MemoryId) {
        if let Some(memory) = self.0.get_mut(memory) {
            memory.unsure = true;
        }
    }

    /// `vb2_buffer_in_use()`, for a plane that the queue allocated.
    pub(crate) fn is_in_use(&self, memory: MemoryId) -> Option<bool> {
        match self.0.get(memory)? {
            Memory { holders: 1.., .. } => Some(true),
            Memory { unsure: true, .. } => None,
            _ => Some(false),
        }
    }
}
