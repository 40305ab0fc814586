// SPDX-License-Identifier: GPL-2.0

//! What `shim.c` gives to the modules beside this one, and the views its probes hand over.
//!
//! C header: `shim.h`.

use kernel::{bindings, ffi::*};

/// `struct ledger_fence`: a fence as a probe saw it.
#[repr(C)]
pub(crate) struct Fence {
    /// Where the fence lives. An identity until the fence is destroyed, never dereferenced.
    pub(crate) address: u64,
    pub(crate) context: u64,
    pub(crate) seqno: u64,
    pub(crate) error: i32,
    reserved: u32,
}

/// `struct ledger_buffer`: a `struct vb2_buffer` as a probe saw it.
#[repr(C)]
pub(crate) struct Buffer {
    /// Address of the `struct vb2_queue`. An identity, never dereferenced.
    pub(crate) queue: u64,
    pub(crate) type_: u32,
    pub(crate) index: u32,
    pub(crate) state: u32,
    /// Whether its planes are memory of user space.
    pub(crate) is_userptr: u32,
}

/// `struct ledger_plane`: a plane of a buffer as a probe saw it.
#[repr(C)]
pub(crate) struct Plane {
    /// Address of the `struct dma_resv` of its memory, or 0. An identity, never dereferenced.
    pub(crate) resv: u64,
    pub(crate) index: u32,
    reserved: u32,
}

const _: () = assert!(size_of::<Fence>() == 32);
const _: () = assert!(size_of::<Buffer>() == 24);
const _: () = assert!(size_of::<Plane>() == 16);

// Structures behind the pointers are C's own; some are empty on some architectures.
#[allow(improper_ctypes)]
unsafe extern "C" {
    pub(crate) safe fn ledger_driver_names() -> *const c_char;
    pub(crate) safe fn ledger_context() -> c_uint;
    pub(crate) safe fn ledger_irq_save() -> c_ulong;
    pub(crate) fn ledger_irq_restore(flags: c_ulong);

    pub(crate) fn ledger_probe_register(event: c_uint, ledger: *mut c_void) -> c_int;
    pub(crate) fn ledger_probe_unregister(event: c_uint, ledger: *mut c_void);
    pub(crate) safe fn ledger_probe_synchronize();

    pub(crate) safe fn ledger_area_alloc(size: usize) -> *mut c_void;
    pub(crate) fn ledger_area_free(area: *mut c_void);
    pub(crate) fn ledger_area_map(area: *mut c_void, vma: *mut bindings::vm_area_struct) -> c_int;

    pub(crate) fn ledger_debugfs_create(ledger: *mut c_void) -> *mut bindings::dentry;
    pub(crate) fn ledger_debugfs_remove(dir: *mut bindings::dentry);
}
