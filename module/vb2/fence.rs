// SPDX-License-Identifier: GPL-2.0

//! What is said about fences around the signalling of them.
//!
//! C header: [`include/linux/dma-fence.h`](srctree/include/linux/dma-fence.h)

use super::shim;

/// A section in which fences are going to be signalled: `dma_fence_begin_signalling()`.
pub(crate) struct Signalling(bool);

impl Signalling {
    /// Opens the section.
    pub(crate) fn begin() -> Self {
        // SAFETY: May be called from any context.
        Self(unsafe { shim::rust_helper_dma_fence_begin_signalling() })
    }

    /// `dma_fence_end_signalling()`
    pub(crate) fn end(self) {
        // SAFETY: The cookie is the one of `begin`, and is used once.
        unsafe { shim::rust_helper_dma_fence_end_signalling(self.0) };
    }
}
