// SPDX-License-Identifier: GPL-2.0

//! Release fences of the buffers of a job.
//!
//! C headers: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h) and
//! [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h).

use super::Buffer;
use kernel::{bindings, error::to_result, prelude::*};

/// Proof that the fences of a job are published: the hardware must be kicked now.
///
/// Between [`attach`] and [`kicked`](Self::kicked) lockdep watches that nothing is done which could
/// wait for one of the new fences.
#[must_use = "the section in which the hardware is kicked has to be ended"]
pub(crate) struct Attached(bool);

/// `vb2_attach_release_fences()` for all buffers of one job, in one batch. Sleeps.
///
/// All of them are active and stay so until the hardware is kicked.
pub(crate) fn attach(src: &Buffer, dst: &Buffer) -> Result<Attached> {
    let mut buffers = [src.as_vb2(), dst.as_vb2()];
    let mut cookie = false;

    // SAFETY: Both buffers are valid; the array and the cookie are only used during the call.
    to_result(unsafe {
        bindings::vb2_attach_release_fences(buffers.as_mut_ptr(), buffers.len() as u32, &mut cookie)
    })?;
    Ok(Attached(cookie))
}

/// `vb2_buffer_attach_release_fence()`: the one-buffer case.
pub(crate) fn attach_one(buffer: &Buffer) -> Result {
    // SAFETY: The buffer is valid.
    to_result(unsafe { bindings::vb2_buffer_attach_release_fence(buffer.as_vb2()) })
}

impl Attached {
    /// `vb2_release_fences_kicked()`: the hardware runs, or the job has ended.
    pub(crate) fn kicked(self) {
        // SAFETY: The cookie is the one of the section that `attach` opened, and is used once.
        unsafe { bindings::vb2_release_fences_kicked(self.0) };
    }
}

/// A section in which fences are going to be signalled: `dma_fence_begin_signalling()`.
pub(crate) struct Signalling(bool);

impl Signalling {
    /// Opens the section.
    pub(crate) fn begin() -> Self {
        // SAFETY: May be called from any context.
        Self(unsafe { bindings::dma_fence_begin_signalling() })
    }

    /// `dma_fence_end_signalling()`
    pub(crate) fn end(self) {
        // SAFETY: The cookie is the one of `begin`, and is used once.
        unsafe { bindings::dma_fence_end_signalling(self.0) };
    }
}
