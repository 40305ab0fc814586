// SPDX-License-Identifier: GPL-2.0

//! A raw spinlock that is taken with interrupts off.
//!
//! The probes run wherever a fence is touched: in task context, in interrupt handlers, and under
//! the lock of the fence. Nothing that may sleep, on any preemption model, fits all of these.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use crate::shim;
use kernel::{
    bindings,
    ffi::*,
    sync::lock::{Backend, Lock},
};

/// A lock around `T`: `raw_spin_lock_irqsave()` to take it, from any context but NMI.
pub(crate) type RawSpinLock<T> = Lock<T, RawSpinLockBackend>;

/// The `raw_spinlock_t` behind [`RawSpinLock`].
pub(crate) struct RawSpinLockBackend;

// SAFETY: `raw_spinlock_t` gives mutual exclusion, and `relock` is the default one, which locks as
// `lock` does.
unsafe impl Backend for RawSpinLockBackend {
    type State = bindings::raw_spinlock_t;
    /// The interrupt state to restore.
    type GuardState = c_ulong;

    unsafe fn init(ptr: *mut Self::State, name: *const c_char, key: *mut bindings::lock_class_key) {
        // SAFETY: By the contract of this function `ptr` is valid for writes, and `name` and
        // `key` live on.
        unsafe { shim::ledger_lock_init(ptr, name, key) }
    }

    unsafe fn lock(ptr: *mut Self::State) -> Self::GuardState {
        // SAFETY: By the contract of this function the lock was initialised.
        unsafe { shim::ledger_lock_acquire(ptr) }
    }

    unsafe fn try_lock(ptr: *mut Self::State) -> Option<Self::GuardState> {
        let mut flags = 0;
        // SAFETY: By the contract of this function the lock was initialised.
        unsafe { shim::ledger_lock_try_acquire(ptr, &mut flags) }.then_some(flags)
    }

    unsafe fn unlock(ptr: *mut Self::State, guard_state: &Self::GuardState) {
        // SAFETY: By the contract of this function the caller owns the lock, and `guard_state` is
        // what taking it returned.
        unsafe { shim::ledger_lock_release(ptr, *guard_state) }
    }

    unsafe fn assert_is_held(ptr: *mut Self::State) {
        // SAFETY: By the contract of this function the lock was initialised.
        unsafe { shim::ledger_lock_assert_held(ptr) }
    }
}
