// SPDX-License-Identifier: GPL-2.0

//! Safe layer over videobuf2.
//!
//! C headers: [`include/media/videobuf2-core.h`](srctree/include/media/videobuf2-core.h) and
//! [`include/media/videobuf2-v4l2.h`](srctree/include/media/videobuf2-v4l2.h).
//!
//! Compiled into each driver that uses it, as [`v4l2`](crate::v4l2) is.

// No driver needs all of the layer.
#![allow(dead_code)]

pub(crate) mod buffer;
pub(crate) mod fence;
#[cfg(release_fences)]
pub(crate) mod helper;
// The same calls, without a helper behind them.
#[cfg(not(release_fences))]
#[path = "no_helper.rs"]
pub(crate) mod helper;
pub(crate) mod memory;
pub(crate) mod queue;
mod shim;
pub(crate) mod trace;

pub(crate) use self::{
    buffer::{ActiveBuffer, Buffer, State},
    memory::Memory,
    queue::{Direction, Layout, Queue}, //
};
