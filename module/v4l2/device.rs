// SPDX-License-Identifier: GPL-2.0

//! `struct v4l2_device`.
//!
//! C header: [`include/media/v4l2-device.h`](srctree/include/media/v4l2-device.h)

use super::media::Media;
use kernel::{bindings, device, error::to_result, prelude::*, types::Opaque};

/// The `struct device` of a [`device::Device`].
pub(crate) fn raw_parent(parent: &device::Device) -> *mut bindings::device {
    // CAST: `device::Device` is a transparent wrapper of an `Opaque<bindings::device>`.
    core::ptr::from_ref(parent).cast_mut().cast()
}

/// A registered V4L2 device.
///
/// # Invariants
///
/// `inner` is registered.
#[pin_data(PinnedDrop)]
pub(crate) struct Device {
    #[pin]
    inner: Opaque<bindings::v4l2_device>,
}

// SAFETY: A V4L2 device may be used and unregistered from any thread.
unsafe impl Send for Device {}
// SAFETY: The C side does its own locking.
unsafe impl Sync for Device {}

impl Device {
    /// `v4l2_device_register()`
    pub(crate) fn register(parent: &device::Device) -> impl PinInit<Self, Error> + '_ {
        // INVARIANT: The initializer succeeds only if the device was registered.
        try_pin_init!(Self {
            inner <- Opaque::try_ffi_init(|inner: *mut bindings::v4l2_device| {
                // SAFETY: `inner` is valid for writes and will stay where it is; zeros are a valid
                // structure that is not registered. The core takes a reference to the parent.
                to_result(unsafe {
                    inner.write_bytes(0, 1);
                    bindings::v4l2_device_register(raw_parent(parent), inner)
                })
            }),
        })
    }

    /// Says which media device the video devices of this one belong to.
    pub(super) fn set_media(&self, media: &Media) {
        // SAFETY: By the type's invariant. Nobody looks before a video device is registered.
        unsafe { (*self.as_raw()).mdev = media.as_raw() };
    }

    /// The `struct v4l2_device`.
    pub(crate) fn as_raw(&self) -> *mut bindings::v4l2_device {
        self.inner.get()
    }
}

#[pinned_drop]
impl PinnedDrop for Device {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::v4l2_device_unregister(self.as_raw()) };
    }
}
