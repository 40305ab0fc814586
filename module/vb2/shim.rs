// SPDX-License-Identifier: GPL-2.0

//! Declarations of the one-line wrappers in `shim.c`.
//!
//! Each has the contract of the function or macro it is named after.

use kernel::{bindings, ffi::*};

// Empty C structures, of which some of these types have one far inside, have no equivalent in
// standard C.
#[allow(improper_ctypes)]
extern "C" {
    pub(super) fn rust_helper_vb2_plane_size(
        vb: *mut bindings::vb2_buffer,
        plane: c_uint,
    ) -> c_ulong;
    pub(super) fn rust_helper_vb2_set_plane_payload(
        vb: *mut bindings::vb2_buffer,
        plane: c_uint,
        size: c_ulong,
    );
    pub(super) fn rust_helper_vb2_is_streaming(q: *mut bindings::vb2_queue) -> bool;
    pub(super) fn rust_helper_vb2_is_busy(q: *mut bindings::vb2_queue) -> bool;
    pub(super) fn rust_helper_vb2_clear_last_buffer_dequeued(q: *mut bindings::vb2_queue);
    pub(super) fn rust_helper_dma_fence_begin_signalling() -> bool;
    pub(super) fn rust_helper_dma_fence_end_signalling(cookie: bool);
    pub(super) fn rust_helper_trace_vb2_hw_job(
        q: *mut bindings::vb2_queue,
        vb: *mut bindings::vb2_buffer,
        job: u64,
        phase: c_uint,
    );
    pub(super) fn rust_helper_vb2_vmalloc_memops() -> *const bindings::vb2_mem_ops;
    pub(super) fn rust_helper_vb2_dma_sg_memops() -> *const bindings::vb2_mem_ops;
    pub(super) fn rust_helper_vb2_dma_contig_memops() -> *const bindings::vb2_mem_ops;
}
