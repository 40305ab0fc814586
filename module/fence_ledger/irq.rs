// SPDX-License-Identifier: GPL-2.0

//! Interrupts of this CPU, kept off for a while.
//!
//! This is no lock: other CPUs go on. What it gives is that nothing on this CPU comes between two
//! steps, so that numbers and times of records grow together, and that a record is never left half
//! written for longer than its eight stores take.
//!
//! C header: [`include/linux/irqflags.h`](srctree/include/linux/irqflags.h)

use crate::shim;
use core::marker::PhantomData;
use kernel::ffi::c_ulong;

/// While it lives, no interrupt comes on this CPU.
///
/// # Invariants
///
/// `flags` is what `local_irq_save()` gave on this CPU.
pub(crate) struct IrqsOff {
    flags: c_ulong,
    // It belongs to the CPU that made it.
    _not_send: PhantomData<*mut ()>,
}

impl IrqsOff {
    /// Turns interrupts off. May be called from any context, and again while they are off.
    pub(crate) fn new() -> Self {
        // INVARIANT: It has just been given.
        Self {
            flags: shim::ledger_irq_save(),
            _not_send: PhantomData,
        }
    }
}

impl Drop for IrqsOff {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant. Several of them are dropped in reverse, as Rust does.
        unsafe { shim::ledger_irq_restore(self.flags) }
    }
}
