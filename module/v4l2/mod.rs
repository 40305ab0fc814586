// SPDX-License-Identifier: GPL-2.0

//! Safe layer over V4L2 and its mem2mem framework.
//!
//! C headers: [`include/media/v4l2-dev.h`](srctree/include/media/v4l2-dev.h),
//! [`include/media/v4l2-mem2mem.h`](srctree/include/media/v4l2-mem2mem.h).
//!
//! A driver implements [`Driver`] for the state of one open file. The layer allocates that state
//! together with its `struct v4l2_fh` as a [`FileHandle`], which is what all callbacks get.
//!
//! Each driver compiles this layer into its own module: it declares `#[path] mod v4l2` and
//! `#[path] mod vb2` in its crate's root, includes both `shim.c` in its own, and
//! `v4l2/Kbuild.driver` in its Kbuild.

// No driver needs all of the layer.
#![allow(dead_code)]

pub(crate) mod ctrl;
pub(crate) mod device;
pub(crate) mod event;
pub(crate) mod file_handle;
pub(crate) mod format;
pub(crate) mod ioctl;
mod media;
pub(crate) mod mem2mem;
mod shim;
pub(crate) mod video_device;

pub(crate) use self::{
    event::Event,
    file_handle::{Driver, FileHandle},
    format::PixFormat,
    video_device::{Codec, Info, Registration}, //
};

/// Copies a string into a field of a C structure, cut where it has to be and always with a NUL.
fn fill(field: &mut [u8], text: &[u8]) {
    let len = text.len().min(field.len() - 1);

    field.fill(0);
    field[..len].copy_from_slice(&text[..len]);
}
