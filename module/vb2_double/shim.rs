// SPDX-License-Identifier: GPL-2.0

//! Declarations of the one-line wrappers in `shim.c`.
//!
//! Each has the contract of the function or macro it is named after.

use kernel::{bindings, ffi::*};

// Empty C structures, of which some of these types have one far inside, have no equivalent in
// standard C.
#[allow(improper_ctypes)]
extern "C" {
    pub(crate) fn vb2_double_param_attach() -> *const c_char;
    pub(crate) fn vb2_double_mutex_init(lock: *mut bindings::mutex);
    pub(crate) fn vb2_double_init_work(
        work: *mut bindings::work_struct,
        func: bindings::work_func_t,
    );
    pub(crate) fn vb2_double_alloc_workqueue(
        name: *const c_char,
    ) -> *mut bindings::workqueue_struct;
    pub(crate) fn vb2_double_video_register_device(vdev: *mut bindings::video_device) -> c_int;
    pub(crate) fn vb2_double_video_set_drvdata(
        vdev: *mut bindings::video_device,
        data: *mut c_void,
    );
    pub(crate) fn vb2_double_video_drvdata(file: *mut bindings::file) -> *mut c_void;
    pub(crate) fn vb2_double_file_to_v4l2_fh(file: *mut bindings::file) -> *mut bindings::v4l2_fh;
    pub(crate) fn vb2_double_m2m_next_src_buf(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_v4l2_buffer;
    pub(crate) fn vb2_double_m2m_next_dst_buf(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_v4l2_buffer;
    pub(crate) fn vb2_double_m2m_src_buf_remove(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_v4l2_buffer;
    pub(crate) fn vb2_double_m2m_dst_buf_remove(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_v4l2_buffer;
    pub(crate) fn vb2_double_m2m_src_vq(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_queue;
    pub(crate) fn vb2_double_m2m_dst_vq(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_queue;
    pub(crate) fn vb2_double_m2m_is_last_draining_src_buf(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
        vbuf: *mut bindings::vb2_v4l2_buffer,
    ) -> bool;
    pub(crate) fn vb2_double_m2m_dst_buf_is_last(m2m_ctx: *mut bindings::v4l2_m2m_ctx) -> bool;
    pub(crate) fn vb2_double_m2m_has_stopped(m2m_ctx: *mut bindings::v4l2_m2m_ctx) -> bool;
    pub(crate) fn vb2_double_m2m_mark_stopped(m2m_ctx: *mut bindings::v4l2_m2m_ctx);
    pub(crate) fn vb2_double_plane_size(vb: *mut bindings::vb2_buffer, plane: c_uint) -> c_ulong;
    pub(crate) fn vb2_double_set_plane_payload(
        vb: *mut bindings::vb2_buffer,
        plane: c_uint,
        size: c_ulong,
    );
    pub(crate) fn vb2_double_is_streaming(q: *mut bindings::vb2_queue) -> bool;
    pub(crate) fn vb2_double_is_busy(q: *mut bindings::vb2_queue) -> bool;
    pub(crate) fn vb2_double_clear_last_buffer_dequeued(q: *mut bindings::vb2_queue);
    pub(crate) fn vb2_double_begin_signalling() -> bool;
    pub(crate) fn vb2_double_end_signalling(cookie: bool);
    pub(crate) fn vb2_double_trace_hw_job(
        q: *mut bindings::vb2_queue,
        vb: *mut bindings::vb2_buffer,
        job: u64,
        phase: c_uint,
    );
}
