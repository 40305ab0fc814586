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
    /// Whether a CPU access may end on it: for an udmabuf one must have begun. None if that is not known.
    ready: Option<bool>,
    /// Its pages may lie anywhere.
    scattered: bool,
}

/// All memories that were ever allocated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memories(Vec<Memory>);

/// `PAGE_SIZE`
pub(crate) const PAGE: u64 = 4096;

impl Memories {
    /// `__vb2_buf_mem_alloc()` of so many bytes.
    pub(crate) fn allocate(&mut self, length: Option<u32>) -> MemoryId {
        let size = length.map(|length| u64::from(length).next_multiple_of(PAGE));
        self.add(size, true, false)
    }

    /// What an exporter made that is no video device; `ready` if a CPU access may end that never began.
    pub(crate) fn made_elsewhere(&mut self, size: Option<u64>, ready: bool) -> MemoryId {
        let scattered = size.is_none_or(|size| size > PAGE);
        self.add(size, ready, scattered)
    }

    fn add(&mut self, size: Option<u64>, ready: bool, scattered: bool) -> MemoryId {
        self.0.push(Memory {
            size,
            holders: 0,
            unsure: false,
            ready: Some(ready),
            scattered,
        });
        self.0.len() - 1
    }

    /// Whether its pages may lie anywhere, which videobuf2-dma-contig does not take.
    pub(crate) fn is_scattered(&self, memory: MemoryId) -> bool {
        self.0.get(memory).is_some_and(|memory| memory.scattered)
    }

    /// Whether a CPU access may end, if that is known.
    pub(crate) fn is_ready(&self, memory: MemoryId) -> Option<bool> {
        self.0.get(memory)?.ready
    }

    /// A CPU access began, or may have if that is not sure.
    pub(crate) fn make_ready(&mut self, memory: MemoryId, sure: bool) {
        if let Some(memory) = self.0.get_mut(memory)
            && memory.ready != Some(true)
        {
            memory.ready = sure.then_some(true);
        }
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
