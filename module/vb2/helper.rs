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

/// `vb2_attach_release_fences()` for the buffers that one job gives back, in one batch. Sleeps.
///
/// All of them are active and stay so until the hardware is kicked. The job leaves the others on
/// their ready lists, so nobody could tell when a fence of theirs would be signalled.
pub(crate) fn attach(given: [Option<&Buffer>; 2]) -> Result<Attached> {
    let mut buffers = [core::ptr::null_mut(); 2];
    let mut count = 0;
    let mut cookie = false;

    for (to, buffer) in buffers.iter_mut().zip(given.into_iter().flatten()) {
        *to = buffer.as_vb2();
        count += 1;
    }
    // SAFETY: The first `count` buffers are valid; the array and the cookie are only used during
    // the call.
    to_result(unsafe {
        bindings::vb2_attach_release_fences(buffers.as_mut_ptr(), count, &mut cookie)
    })?;
    Ok(Attached(cookie))
}

/// The same for a driver that works on kernels without the helper as well, then without fences.
pub(crate) fn attach_if_there(given: [Option<&Buffer>; 2]) -> Result<Option<Attached>> {
    attach(given).map(Some)
}

/// Whether the buffer has a release fence that is not signalled. The answer lasts while the caller
/// keeps others from giving the buffer back.
pub(crate) fn is_attached(buffer: &Buffer) -> bool {
    // SAFETY: The buffer is valid. The pointer is written by others only when they give it back.
    unsafe {
        !(&raw const (*buffer.as_vb2()).release_fence)
            .read_volatile()
            .is_null()
    }
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
