// SPDX-License-Identifier: GPL-2.0

//! `struct v4l2_ctrl_handler`.
//!
//! C header: [`include/media/v4l2-ctrls.h`](srctree/include/media/v4l2-ctrls.h)

use super::{shim, Driver, FileHandle};
use crate::vb2::Buffer;
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::{from_result, to_result},
    prelude::*,
    types::Opaque, //
};

/// The values of an integer or boolean control.
pub(crate) struct Range {
    /// The smallest.
    pub(crate) min: i64,
    /// The largest.
    pub(crate) max: i64,
    /// Distance between two of them.
    pub(crate) step: u64,
    /// What it is at first.
    pub(crate) default: i64,
}

impl Range {
    /// A switch that is off at first.
    pub(crate) const SWITCH: Self = Self {
        min: 0,
        max: 1,
        step: 1,
        default: 0,
    };
    /// A button, which has no value.
    pub(crate) const BUTTON: Self = Self {
        min: 0,
        max: 0,
        step: 0,
        default: 0,
    };

    /// A number that does not change.
    pub(crate) const fn constant(value: i64) -> Self {
        Self {
            min: value,
            max: value,
            step: 1,
            default: value,
        }
    }
}

/// The controls of an open file.
///
/// # Invariants
///
/// The handler is initialised. Its controls have the operations of the driver that it was made for,
/// and it is the one of a [`FileHandle`] of that driver.
#[pin_data(PinnedDrop)]
pub(crate) struct Handler {
    #[pin]
    inner: Opaque<bindings::v4l2_ctrl_handler>,
}

/// Where [`Driver::controls`] puts its controls. A control that cannot be made, or that the core
/// knows by no name, fails the opening of the file.
pub(crate) struct Setup<'a, T>(&'a Handler, PhantomData<T>);

impl Handler {
    /// A handler with the controls of `T`.
    ///
    /// # Safety
    ///
    /// The handler is the `ctrls` of a [`FileHandle`] of a `T`.
    pub(super) unsafe fn new<T: Driver>(shared: &T::Shared) -> impl PinInit<Self, Error> + '_ {
        // INVARIANT: `Setup` adds controls of `T` only; the rest is by the caller.
        try_pin_init!(Self {
            inner <- Opaque::try_ffi_init(|inner: *mut bindings::v4l2_ctrl_handler| {
                // SAFETY: `inner` is valid for writes and will stay where it is. The core expects
                // zeros.
                to_result(unsafe {
                    inner.write_bytes(0, 1);
                    shim::rust_helper_v4l2_ctrl_handler_init(inner, 8)
                })
            }),
        })
        .pin_chain(move |this| {
            let this = this.into_ref().get_ref();

            T::controls(shared, &mut Setup(this, PhantomData));
            // SAFETY: By the type's invariant. The first error stays there.
            to_result(unsafe { (*this.as_raw()).error })
        })
    }

    /// The `struct v4l2_ctrl_handler`.
    pub(super) fn as_raw(&self) -> *mut bindings::v4l2_ctrl_handler {
        self.inner.get()
    }

    /// `v4l2_ctrl_request_complete()`, if the buffer is one of a request. Sleeps.
    pub(super) fn complete_request(&self, buffer: &Buffer) {
        if let Some(request) = buffer.request() {
            // SAFETY: By the types' invariants.
            unsafe { bindings::v4l2_ctrl_request_complete(request.as_ptr(), self.as_raw()) };
        }
    }

    /// `v4l2_ctrl_request_setup()`, if the buffer is one of a request. Sleeps.
    pub(super) fn setup_request(&self, buffer: &Buffer) -> Result {
        let Some(request) = buffer.request() else {
            return Ok(());
        };

        // SAFETY: By the types' invariants.
        to_result(unsafe { bindings::v4l2_ctrl_request_setup(request.as_ptr(), self.as_raw()) })
    }
}

#[pinned_drop]
impl PinnedDrop for Handler {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::v4l2_ctrl_handler_free(self.as_raw()) };
    }
}

impl<T: Driver> Setup<'_, T> {
    const OPS: bindings::v4l2_ctrl_ops = bindings::v4l2_ctrl_ops {
        s_ctrl: Some(Self::s_ctrl),
        ..pin_init::zeroed()
    };

    /// `v4l2_ctrl_new_std()`
    pub(crate) fn std(&mut self, id: u32, range: Range) -> &mut Self {
        // SAFETY: The handler is initialised, and the table is a constant.
        unsafe {
            bindings::v4l2_ctrl_new_std(
                self.0.as_raw(),
                &Self::OPS,
                id,
                range.min,
                range.max,
                range.step,
                range.default,
            )
        };
        self
    }

    /// `v4l2_ctrl_new_std_menu()` with the items up to `max` that are not in the bits of `skip`.
    pub(crate) fn menu(&mut self, id: u32, max: u8, skip: u64, default: u8) -> &mut Self {
        // SAFETY: The handler is initialised, and the table is a constant.
        unsafe {
            bindings::v4l2_ctrl_new_std_menu(self.0.as_raw(), &Self::OPS, id, max, skip, default)
        };
        self
    }

    /// # Safety
    ///
    /// As `v4l2_ctrl_ops.s_ctrl`, on a control of a handler that was made for a `T`.
    unsafe extern "C" fn s_ctrl(ctrl: *mut bindings::v4l2_ctrl) -> c_int {
        // SAFETY: By the caller and the invariant of `Handler`, the handler is part of a file
        // handle, which outlives its controls.
        let (this, id, value) = unsafe {
            let handler = (*ctrl).handler;
            let this = handler
                .byte_sub(FileHandle::<T>::CTRLS_OFFSET)
                .cast::<FileHandle<T>>();
            let value = (*ctrl).val;
            (&*this, (*ctrl).id, value)
        };

        from_result(|| T::s_ctrl(this, id, value).map(|()| 0))
    }
}
