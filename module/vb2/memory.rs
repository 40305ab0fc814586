// SPDX-License-Identifier: GPL-2.0

//! `struct vb2_mem_ops`.
//!
//! C headers: [`include/media/videobuf2-vmalloc.h`](srctree/include/media/videobuf2-vmalloc.h),
//! [`include/media/videobuf2-dma-sg.h`](srctree/include/media/videobuf2-dma-sg.h) and
//! [`include/media/videobuf2-dma-contig.h`](srctree/include/media/videobuf2-dma-contig.h)

use super::shim;
use core::ptr::NonNull;
use kernel::bindings;

/// Where the memory of buffers comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// `vb2_vmalloc_memops`: pages for the CPU.
    Vmalloc,
    /// `vb2_dma_sg_memops`: pages for a device that gathers them. The device of the queue can do
    /// DMA.
    DmaSg,
    /// `vb2_dma_contig_memops`: one piece for a device that cannot. The device of the queue can do
    /// DMA.
    DmaContig,
}

impl Memory {
    /// The table, if this kernel has it.
    pub(crate) fn ops(self) -> Option<NonNull<bindings::vb2_mem_ops>> {
        // SAFETY: These functions may always be called.
        let ops = unsafe {
            match self {
                Self::Vmalloc => shim::rust_helper_vb2_vmalloc_memops(),
                Self::DmaSg => shim::rust_helper_vb2_dma_sg_memops(),
                Self::DmaContig => shim::rust_helper_vb2_dma_contig_memops(),
            }
        };

        NonNull::new(ops.cast_mut())
    }

    /// `vb2_queue.io_modes`. The memory of a process is hardly ever in one piece.
    pub(super) fn io_modes(self) -> u32 {
        let both = bindings::vb2_io_modes_VB2_MMAP | bindings::vb2_io_modes_VB2_DMABUF;

        match self {
            Self::Vmalloc | Self::DmaSg => both | bindings::vb2_io_modes_VB2_USERPTR,
            Self::DmaContig => both,
        }
    }
}
