// SPDX-License-Identifier: GPL-2.0

//! `struct media_device`.
//!
//! C header: [`include/media/media-device.h`](srctree/include/media/media-device.h)

use super::{device, shim, Info};
use kernel::{
    bindings,
    device::Device,
    error::to_result,
    prelude::*,
    time::{delay::fsleep, Delta},
    types::Opaque, //
};

/// The media device of a video device, by which userspace finds out what it is for, and makes
/// requests if it takes some.
///
/// # Invariants
///
/// `inner` is initialised.
#[pin_data(PinnedDrop)]
pub(super) struct Media {
    #[pin]
    inner: Opaque<bindings::media_device>,
}

// SAFETY: A media device may be used and cleaned up from any thread.
unsafe impl Send for Media {}
// SAFETY: The C side does its own locking.
unsafe impl Sync for Media {}

impl Media {
    /// What a mem2mem device does with requests. A request that userspace has keeps the module.
    const OPS: bindings::media_device_ops = bindings::media_device_ops {
        req_alloc: Some(shim::rust_helper_media_request_alloc),
        req_free: Some(shim::rust_helper_media_request_free),
        req_validate: Some(validate),
        req_queue: Some(bindings::v4l2_m2m_request_queue),
        ..pin_init::zeroed()
    };

    /// A media device that is not registered yet.
    ///
    /// # Safety
    ///
    /// `parent` stays bound until the media device is dropped.
    pub(super) unsafe fn new<'a>(
        parent: &'a Device,
        info: &'static Info,
    ) -> impl PinInit<Self> + 'a {
        // INVARIANT: `media_device_init()` initialises it.
        pin_init!(Self {
            inner <- Opaque::ffi_init(move |inner: *mut bindings::media_device| {
                // SAFETY: `inner` is valid for writes and will stay where it is; zeros are a valid
                // structure that is not initialised.
                unsafe {
                    inner.write_bytes(0, 1);
                    let media = &mut *inner;
                    media.dev = device::raw_parent(parent);
                    for (field, text) in [
                        (&mut media.driver_name[..], info.driver),
                        (&mut media.model[..], info.card),
                        (&mut media.bus_info[..], info.bus_info),
                    ] {
                        super::fill(field, text.as_bytes());
                    }
                    bindings::media_device_init(inner);
                    if info.requests {
                        media.ops = &Self::OPS;
                    }
                }
            }),
        })
    }

    /// The `struct media_device`.
    pub(super) fn as_raw(&self) -> *mut bindings::media_device {
        self.inner.get()
    }

    /// `media_device_register()`
    pub(super) fn register(&self) -> Result {
        // SAFETY: By the type's invariant.
        to_result(unsafe { shim::rust_helper_media_device_register(self.as_raw()) })
    }

    /// `media_device_unregister()`, after which there is no request either.
    pub(super) fn unregister(&self) {
        // SAFETY: By the type's invariant; the core knows itself whether it is registered.
        unsafe { bindings::media_device_unregister(self.as_raw()) };
        // The last request has let the module go with one of its last steps.
        // SAFETY: By the type's invariant.
        while unsafe { shim::rust_helper_media_device_requests(self.as_raw()) } != 0 {
            fsleep(Delta::from_millis(1));
        }
    }
}

/// `media_device_ops.req_validate`: one OUTPUT buffer a request, because the controls of a request are
/// applied, and completed, with its buffer.
///
/// # Safety
///
/// As for `vb2_request_validate()`.
unsafe extern "C" fn validate(request: *mut bindings::media_request) -> c_int {
    // SAFETY: By the caller.
    unsafe {
        match bindings::vb2_request_buffer_cnt(request) {
            0 | 1 => bindings::vb2_request_validate(request),
            _ => EINVAL.to_errno(),
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Media {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::media_device_cleanup(self.as_raw()) };
    }
}
