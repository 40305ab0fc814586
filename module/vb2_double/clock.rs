// SPDX-License-Identifier: GPL-2.0

//! The clock of the pretended hardware: an hrtimer, a work item and a bell.
//!
//! C headers: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h),
//! [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h) and
//! [`include/linux/completion.h`](srctree/include/linux/completion.h).
//!
//! The timer stands for the interrupt line, the work item for a threaded interrupt handler, and the
//! bell wakes a driver that waits for its hardware in `device_run`. A clock re-arms itself from its
//! own callback, which [`kernel::time::hrtimer`] has no way to say without a blocking cancel.

use crate::shim;
use core::{marker::PhantomPinned, mem::offset_of, ptr::NonNull};
use kernel::{bindings, prelude::*, types::Opaque, workqueue};

/// `ktime_get_ns()`.
pub(crate) fn now() -> u64 {
    // SAFETY: `ktime_get` may be called from any context.
    let now = unsafe { bindings::ktime_get() };

    // CAST: the monotonic clock is never negative.
    now as u64
}

/// What has a [`Clock`].
///
/// # Safety
///
/// Every [`Clock`] made by [`Clock::new`] for this type lies [`OFFSET`](Self::OFFSET) bytes into a
/// pinned `Self`, is not armed before all of that `Self` is initialised, and is dropped before any
/// other part of it.
pub(crate) unsafe trait HasClock: Sync {
    /// Offset of the clock.
    const OFFSET: usize;

    /// The timer expired. Runs in hard interrupt context.
    fn expired(&self);

    /// The work item runs, in a process that may sleep.
    fn work(&self);
}

/// An hrtimer, a work item and a bell.
///
/// # Invariants
///
/// The timer, the work item and the completion are initialised, and their callbacks are those of a
/// [`HasClock`] that this clock is a part of.
#[pin_data(PinnedDrop)]
pub(crate) struct Clock {
    #[pin]
    timer: Opaque<bindings::hrtimer>,
    #[pin]
    work: Opaque<bindings::work_struct>,
    #[pin]
    bell: Opaque<bindings::completion>,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: Timers, work items and completions may be used from any thread.
unsafe impl Send for Clock {}
// SAFETY: As above, also at the same time.
unsafe impl Sync for Clock {}

impl Clock {
    /// A stopped clock of a `T`.
    pub(crate) fn new<T: HasClock>() -> impl PinInit<Self> {
        // INVARIANT: All three parts are initialised, with the callbacks of `T`.
        pin_init!(Self {
            timer <- Opaque::ffi_init(|timer| {
                // SAFETY: `timer` is valid for writes and will stay where it is.
                unsafe {
                    bindings::hrtimer_setup(
                        timer,
                        Some(expired::<T>),
                        bindings::CLOCK_MONOTONIC as i32,
                        bindings::hrtimer_mode_HRTIMER_MODE_ABS_HARD,
                    )
                }
            }),
            work <- Opaque::ffi_init(|work| {
                // SAFETY: `work` is valid for writes and will stay where it is.
                unsafe { shim::vb2_double_init_work(work, Some(work_item::<T>)) }
            }),
            bell <- Opaque::ffi_init(|bell| {
                // SAFETY: `bell` is valid for writes and will stay where it is.
                unsafe { bindings::init_completion(bell) }
            }),
            _pin: PhantomPinned,
        })
    }

    /// Lets the timer expire at `at`, or now if that has passed.
    pub(crate) fn arm(&self, at: u64) {
        let at = i64::try_from(at).unwrap_or(i64::MAX);

        // SAFETY: By the type's invariant the timer is initialised.
        unsafe {
            bindings::hrtimer_start_range_ns(
                self.timer.get(),
                at,
                0,
                bindings::hrtimer_mode_HRTIMER_MODE_ABS_HARD,
            )
        };
    }

    /// Lets the timer not expire any more. A callback that runs already is not waited for.
    pub(crate) fn disarm(&self) {
        // SAFETY: By the type's invariant the timer is initialised.
        unsafe { bindings::hrtimer_try_to_cancel(self.timer.get()) };
    }

    /// Runs the work item on `queue`.
    pub(crate) fn queue_on(&self, queue: &Queue) {
        // SAFETY: By the types' invariants the work item is initialised and the queue is alive.
        unsafe {
            bindings::queue_work_on(
                bindings::wq_misc_consts_WORK_CPU_UNBOUND as i32,
                queue.0.as_ptr(),
                self.work.get(),
            )
        };
    }

    /// Takes the work item off its queue, and waits for it if it runs. May sleep.
    pub(crate) fn cancel_work(&self) {
        // SAFETY: By the type's invariant the work item is initialised.
        unsafe { bindings::cancel_work_sync(self.work.get()) };
    }

    /// Wakes whoever waits in [`wait`](Self::wait), or will.
    pub(crate) fn ring(&self) {
        // SAFETY: By the type's invariant the completion is initialised.
        unsafe { bindings::complete(self.bell.get()) };
    }

    /// Sleeps until the bell rings.
    pub(crate) fn wait(&self) {
        // SAFETY: By the type's invariant the completion is initialised.
        unsafe { bindings::wait_for_completion(self.bell.get()) };
    }
}

#[pinned_drop]
impl PinnedDrop for Clock {
    fn drop(self: Pin<&mut Self>) {
        // The timer first: it may queue the work.
        // SAFETY: By the type's invariant timer and work are initialised; both calls wait for a
        // running callback.
        unsafe {
            bindings::hrtimer_cancel(self.timer.get());
            bindings::cancel_work_sync(self.work.get());
        }
    }
}

/// # Safety
///
/// `timer` is the timer of a [`Clock`] made for `T`.
unsafe extern "C" fn expired<T: HasClock>(
    timer: *mut bindings::hrtimer,
) -> bindings::hrtimer_restart {
    // SAFETY: By the caller and the contract of `HasClock`, `timer` lies that far into a `T`. It is
    // alive, because the clock is its first part to be dropped and waits for this callback.
    let owner = unsafe {
        &*timer
            .byte_sub(offset_of!(Clock, timer) + T::OFFSET)
            .cast::<T>()
    };

    owner.expired();
    bindings::hrtimer_restart::HRTIMER_NORESTART
}

/// # Safety
///
/// `work` is the work item of a [`Clock`] made for `T`.
unsafe extern "C" fn work_item<T: HasClock>(work: *mut bindings::work_struct) {
    // SAFETY: As in `expired`.
    let owner = unsafe {
        &*work
            .byte_sub(offset_of!(Clock, work) + T::OFFSET)
            .cast::<T>()
    };

    owner.work();
}

/// A workqueue of its own that makes progress under memory pressure: what it runs signals fences.
///
/// # Invariants
///
/// The pointer is to a `struct workqueue_struct` that this owns.
pub(crate) struct Queue(NonNull<bindings::workqueue_struct>);

// SAFETY: Workqueues may be used from any thread.
unsafe impl Send for Queue {}
// SAFETY: As above, also at the same time.
unsafe impl Sync for Queue {}

impl Queue {
    /// `alloc_workqueue(name, WQ_MEM_RECLAIM | WQ_UNBOUND, 0)`
    pub(crate) fn new(name: &'static CStr) -> Result<Self> {
        // SAFETY: `name` is a string.
        let queue = unsafe { shim::vb2_double_alloc_workqueue(name.as_char_ptr()) };

        // INVARIANT: The queue is new, so nobody else owns it.
        Ok(Self(NonNull::new(queue).ok_or(ENOMEM)?))
    }

    /// The queue, for [`workqueue::WorkItem`]s.
    #[cfg_attr(not(orphans), expect(dead_code))]
    pub(crate) fn items(&self) -> &workqueue::Queue {
        // SAFETY: By the type's invariant the queue is alive as long as `self`.
        unsafe { workqueue::Queue::from_raw(self.0.as_ptr()) }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant this owns the queue. Destroying it waits for what is
        // queued.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}
