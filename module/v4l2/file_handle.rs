// SPDX-License-Identifier: GPL-2.0

//! `struct v4l2_fh`.
//!
//! C header: [`include/media/v4l2-fh.h`](srctree/include/media/v4l2-fh.h)

use super::{
    ctrl::{self, Handler},
    event::Event,
    ioctl,
    mem2mem,
    shim, //
};
use crate::vb2::{self, Buffer, Direction};
use core::ops::Deref;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    types::Opaque,
    uaccess::UserPtr, //
};

#[vtable]
/// A driver of a mem2mem video device: `Self` is the state of one open file.
pub(crate) trait Driver:
    mem2mem::Operations
    + ioctl::Operations
    + vb2::queue::Operations<Owner = FileHandle<Self>>
    + Send
    + 'static
{
    /// What all open files share.
    type Shared: Send + Sync;

    /// The video device is opened.
    fn open(shared: &Self::Shared) -> impl PinInit<Self, Error>;

    /// The file is being closed: called with the lock of its queues held, before they go.
    fn closing(_this: &FileHandle<Self>) {}

    /// How a queue of this file is to be set up.
    fn queue_config(&self, direction: Direction) -> vb2::queue::Config;

    /// Makes the controls of a file that is being opened.
    fn controls(_shared: &Self::Shared, _controls: &mut ctrl::Setup<'_, Self>) {}

    /// An ioctl of the driver's own, which the core does not know; None if it is not one. Called
    /// without the video device's mutex, at any time.
    fn ioctl(_this: &FileHandle<Self>, _cmd: u32, _arg: UserPtr) -> Option<Result> {
        None
    }

    /// A control gets this value. Called with the lock of the file's controls held.
    fn s_ctrl(_this: &FileHandle<Self>, _id: u32, _value: i32) -> Result {
        Ok(())
    }
}

/// A `struct v4l2_fh` and the driver's state of the open file.
///
/// # Invariants
///
/// - `fh` is initialised.
/// - After [`open`](Self::open) `fh.m2m_ctx` is a valid mem2mem context whose private pointer is to
///   `self`.
#[repr(C)]
#[pin_data]
pub(crate) struct FileHandle<T> {
    #[pin]
    fh: Opaque<bindings::v4l2_fh>,
    #[pin]
    data: T,
    // Dropped after the driver's state, whose callbacks may use it.
    #[pin]
    ctrls: Handler,
}

// SAFETY: The C side of a file handle may be used from any thread.
unsafe impl<T: Send> Send for FileHandle<T> {}
// SAFETY: The C side does its own locking.
unsafe impl<T: Sync> Sync for FileHandle<T> {}

impl<T> FileHandle<T> {
    /// Where the driver's state is.
    pub(crate) const DATA_OFFSET: usize = core::mem::offset_of!(Self, data);
    /// Where the controls are.
    pub(super) const CTRLS_OFFSET: usize = core::mem::offset_of!(Self, ctrls);

    /// # Safety
    ///
    /// `file` is open on a video device of a `T`.
    pub(crate) unsafe fn of_file<'a>(file: *mut bindings::file) -> &'a Self {
        // SAFETY: By the caller. `fh` is the first member of `Self`.
        unsafe { &*shim::rust_helper_file_to_v4l2_fh(file).cast::<Self>() }
    }

    /// # Safety
    ///
    /// `fh` is the `struct v4l2_fh` of a `FileHandle<T>`.
    pub(crate) unsafe fn of_fh<'a>(fh: *mut bindings::v4l2_fh) -> &'a Self {
        // SAFETY: By the caller. `fh` is the first member of `Self`.
        unsafe { &*fh.cast::<Self>() }
    }

    /// The mem2mem context of this file.
    pub(crate) fn m2m(&self) -> &mem2mem::Context {
        // SAFETY: By the type's invariant.
        unsafe { mem2mem::Context::from_raw((*self.fh.get()).m2m_ctx) }
    }

    /// Lets the controls have the values that the request of this OUTPUT buffer has for them, if it
    /// is one of a request. To be called from `device_run` for every job, before fences are
    /// attached. Sleeps.
    pub(crate) fn apply_request(&self, src: &Buffer) {
        // A value that the driver refuses is told to those who look at the control.
        let _ = self.ctrls.setup_request(src);
        self.ctrls.complete_request(src);
    }

    /// The request of this OUTPUT buffer, if it is one of a request, gets no job any more. To be
    /// called from `buf_request_complete`, and before a buffer is given back that has had no job.
    /// Sleeps.
    pub(crate) fn complete_request(&self, src: &Buffer) {
        self.ctrls.complete_request(src);
    }

    /// Sends an event to this file. May be called from any context.
    pub(crate) fn send(&self, event: Event) {
        // SAFETY: By the type's invariant. The event is copied.
        unsafe { bindings::v4l2_event_queue_fh(self.fh.get(), &event.as_raw()) };
    }

    /// Subscribes this file to an event.
    ///
    /// # Safety
    ///
    /// `subscription` is valid.
    pub(crate) unsafe fn subscribe(
        &self,
        event: Event,
        subscription: *const bindings::v4l2_event_subscription,
    ) -> Result {
        // SAFETY: By the type's invariant and the caller.
        to_result(unsafe {
            match event {
                Event::Control => bindings::v4l2_ctrl_subscribe_event(self.fh.get(), subscription),
                Event::EndOfStream => bindings::v4l2_event_subscribe(
                    self.fh.get(),
                    subscription,
                    0,
                    core::ptr::null(),
                ),
                Event::ResolutionChange => {
                    bindings::v4l2_src_change_event_subscribe(self.fh.get(), subscription)
                }
            }
        })
    }
}

impl<T: Driver> FileHandle<T> {
    /// Makes the handle of a `file` that is being opened, and gives it to the file.
    ///
    /// # Safety
    ///
    /// `file` is being opened on `vdev`, a video device of a `T`. Its mem2mem device is `m2m`, and
    /// it outlives the file, as does what `parts` points to.
    pub(crate) unsafe fn open(
        file: *mut bindings::file,
        vdev: *mut bindings::video_device,
        shared: &T::Shared,
        m2m: &mem2mem::Device<T>,
        parts: &mem2mem::Parts,
    ) -> Result {
        let this = KBox::pin_init(
            try_pin_init!(Self {
                fh <- Opaque::ffi_init(|fh: *mut bindings::v4l2_fh| {
                    // SAFETY: `fh` is valid for writes, and for a C structure of integers,
                    // pointers and lists all zeroes is a value. `v4l2_fh_init()` expects it: it
                    // leaves `navailable` as it finds it.
                    unsafe { fh.write_bytes(0, 1) };
                    // SAFETY: `fh` is valid for writes and will stay where it is, and by the
                    // caller so is `vdev`.
                    unsafe { bindings::v4l2_fh_init(fh, vdev) }
                }),
                data <- T::open(shared),
                // SAFETY: Here it is.
                ctrls <- unsafe { Handler::new::<T>(shared) },
            }),
            GFP_KERNEL,
        )?;

        // SAFETY: The handle is released together with its context.
        let ctx = match unsafe { mem2mem::init(m2m, &raw const *this, parts) } {
            Ok(ctx) => ctx,
            Err(error) => {
                // SAFETY: The handle was initialised above.
                unsafe { bindings::v4l2_fh_exit(this.fh.get()) };
                return Err(error);
            }
        };

        // SAFETY: The handle stays where it is; `release` takes it back from the file.
        let this = KBox::into_raw(unsafe { Pin::into_inner_unchecked(this) });
        // INVARIANT: The context is valid and was made for `this`.
        // SAFETY: Nobody else knows the handle before it is added.
        unsafe {
            (*(*this).fh.get()).m2m_ctx = ctx.as_ptr();
            if T::HAS_CONTROLS {
                (*(*this).fh.get()).ctrl_handler = (*this).ctrls.as_raw();
            }
            bindings::v4l2_fh_add((*this).fh.get(), file);
        }
        Ok(())
    }

    /// Ends what [`open`](Self::open) began.
    ///
    /// # Safety
    ///
    /// `file` is being released, and `parts` is what it was opened with.
    pub(crate) unsafe fn release(file: *mut bindings::file, parts: &mem2mem::Parts) {
        // SAFETY: By the caller the file still has the handle that `open` gave it, and nobody uses
        // it any more. The mem2mem context goes first: releasing it ends a running job, which can
        // be the last of a drain and send an event to this file. Then no job is left, and timers
        // and work go with the box.
        unsafe {
            let this: *mut Self = shim::rust_helper_file_to_v4l2_fh(file).cast();
            let fh = (*this).fh.get();

            bindings::mutex_lock(parts.lock);
            T::closing(&*this);
            bindings::v4l2_m2m_ctx_release((*fh).m2m_ctx);
            bindings::mutex_unlock(parts.lock);
            bindings::v4l2_fh_del(fh, file);
            bindings::v4l2_fh_exit(fh);
            drop(Pin::new_unchecked(KBox::from_raw(this)));
        }
    }
}

impl<T> Deref for FileHandle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}
