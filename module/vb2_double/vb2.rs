// SPDX-License-Identifier: GPL-2.0

//! Safe layer over videobuf2.
//!
//! C headers: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h) and
//! [`include/media/videobuf2-v4l2.h`](srctree/include/media/videobuf2-v4l2.h).

pub(crate) mod buffer;
pub(crate) mod fence;
#[cfg(release_fences)]
pub(crate) mod helper;
// The same calls, without a helper behind them.
#[cfg(not(release_fences))]
#[path = "vb2/no_helper.rs"]
pub(crate) mod helper;
pub(crate) mod queue;
pub(crate) mod trace;

pub(crate) use self::{
    buffer::{ActiveBuffer, Buffer, JobBuffer, State},
    queue::{Direction, Queue}, //
};
