// SPDX-License-Identifier: GPL-2.0

//! Declarations of what `shim.c` defines for the double itself.
//!
//! A wrapper has the contract of the macro it is named after.

use kernel::{bindings, ffi::*};

// An empty C structure, which is far inside of a device, has no equivalent in standard C.
#[allow(improper_ctypes)]
extern "C" {
    pub(crate) fn vb2_double_param_attach() -> *const c_char;
    pub(crate) fn vb2_double_param_nodes() -> *const c_char;
    pub(crate) fn vb2_double_param_memory() -> *const c_char;
    pub(crate) fn vb2_double_enable_dma(dev: *mut bindings::device) -> c_int;
    pub(crate) fn vb2_double_init_work(
        work: *mut bindings::work_struct,
        func: bindings::work_func_t,
    );
    pub(crate) fn vb2_double_alloc_workqueue(
        name: *const c_char,
    ) -> *mut bindings::workqueue_struct;
}
