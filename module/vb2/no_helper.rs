// SPDX-License-Identifier: GPL-2.0

//! The place of [`helper`](super::helper) on a kernel whose videobuf2 has no release fences.
//!
//! The module refuses to attach any there, so nothing but [`opt_in`] is ever called.

use super::Buffer;
use kernel::{bindings, prelude::*};

/// Whether this kernel has the helper.
pub(crate) const IS_THERE: bool = false;

/// There is nothing to opt in to.
pub(crate) fn opt_in(_queue: &mut bindings::vb2_queue, _opted_in: bool) {}

/// Proof that the fences of a job are published: there is none.
pub(crate) enum Attached {}

/// Fails.
pub(crate) fn attach(_given: [Option<&Buffer>; 2]) -> Result<Attached> {
    Err(EOPNOTSUPP)
}

/// Goes without.
pub(crate) fn attach_if_there(_given: [Option<&Buffer>; 2]) -> Result<Option<Attached>> {
    Ok(None)
}

/// There is none.
pub(crate) fn is_attached(_buffer: &Buffer) -> bool {
    false
}

/// Fails.
pub(crate) fn attach_one(_buffer: &Buffer) -> Result {
    Err(EOPNOTSUPP)
}

impl Attached {
    /// Is never called.
    pub(crate) fn kicked(self) {
        match self {}
    }
}
