// SPDX-License-Identifier: GPL-2.0

//! The release-fence helper of videobuf2.
//!
//! C header: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h)

use super::Buffer;
use kernel::{bindings, error::to_result, prelude::*};

/// Whether this kernel has the helper.
pub(crate) const IS_THERE: bool = true;

/// `vb2_queue.release_fences`: the driver attaches release fences to the buffers of this queue.
pub(crate) fn opt_in(queue: &mut bindings::vb2_queue, opted_in: bool) {
    queue.set_release_fences(u32::from(opted_in));
}

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
