//! `linux/dma-heap.h`

use std::ffi::CStr;

use nix::libc;

use super::{Plain, file, ioctls, plain};

/// The heap of ordinary pages.
const SYSTEM: &CStr = c"/dev/dma_heap/system";

/// `struct dma_heap_allocation_data`
#[repr(C)]
pub struct Allocation {
    pub len: u64,
    pub fd: u32,
    pub fd_flags: u32,
    pub heap_flags: u64,
}

plain! {
    Allocation = 24;
}

ioctls! { b'H';
    /// `DMA_HEAP_IOCTL_ALLOC`
    ALLOC = request_code_readwrite(0, Allocation);
}

/// A dma-buf of so many bytes, which the heap rounds up to pages.
pub fn allocate(bytes: u64) -> nix::Result<i32> {
    let heap = file::open(SYSTEM, libc::O_RDWR)?;
    let mut allocation = Allocation {
        len: bytes,
        fd_flags: (libc::O_RDWR | libc::O_CLOEXEC) as u32,
        ..Allocation::zeroed()
    };
    let outcome = ALLOC.call(heap, &mut allocation);
    // What was allocated does not need the heap's descriptor.
    let _ = file::close(heap);
    outcome.map(|_| allocation.fd as i32)
}
