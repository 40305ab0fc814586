// SPDX-License-Identifier: GPL-2.0

//! The tracepoint by which a driver tells the steps of a hardware job.
//!
//! C header: [`include/trace/events/vb2.h`](srctree/include/trace/events/vb2.h)

use super::{shim, Buffer};

/// A step of a hardware job.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Phase {
    /// The hardware is about to be kicked; told for both buffers.
    Start = 1,
    /// The first store into the CAPTURE buffer comes next.
    FirstStore = 2,
    /// The last store into the CAPTURE buffer was made.
    LastStore = 3,
    /// The buffers are about to be given back; told for both.
    End = 4,
}

/// `trace_vb2_hw_job()`. May be called from any context.
pub(crate) fn hw_job(buffer: &Buffer, job: u64, phase: Phase) {
    // SAFETY: The buffer and its queue are valid.
    unsafe {
        shim::rust_helper_trace_vb2_hw_job(
            buffer.queue().as_raw(),
            buffer.as_vb2(),
            job,
            phase as u32,
        )
    };
}
