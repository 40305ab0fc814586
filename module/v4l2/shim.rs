// SPDX-License-Identifier: GPL-2.0

//! Declarations of the one-line wrappers in `shim.c`.
//!
//! Each has the contract of the function or macro it is named after.

use kernel::{bindings, ffi::*};

// Empty C structures, of which some of these types have one far inside, have no equivalent in
// standard C.
#[allow(improper_ctypes)]
extern "C" {
    pub(super) fn rust_helper_mutex_init(lock: *mut bindings::mutex);
    pub(super) fn rust_helper_video_register_device(vdev: *mut bindings::video_device) -> c_int;
    pub(super) fn rust_helper_video_set_drvdata(
        vdev: *mut bindings::video_device,
        data: *mut c_void,
    );
    pub(super) fn rust_helper_video_drvdata(file: *mut bindings::file) -> *mut c_void;
    pub(super) fn rust_helper_file_to_v4l2_fh(file: *mut bindings::file) -> *mut bindings::v4l2_fh;
    pub(super) fn rust_helper_v4l2_m2m_next_src_buf(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_v4l2_buffer;
    pub(super) fn rust_helper_v4l2_m2m_next_dst_buf(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_v4l2_buffer;
    pub(super) fn rust_helper_v4l2_m2m_src_buf_remove(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_v4l2_buffer;
    pub(super) fn rust_helper_v4l2_m2m_dst_buf_remove(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_v4l2_buffer;
    pub(super) fn rust_helper_v4l2_m2m_num_src_bufs_ready(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> c_uint;
    pub(super) fn rust_helper_v4l2_m2m_num_dst_bufs_ready(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> c_uint;
    pub(super) fn rust_helper_v4l2_m2m_get_src_vq(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_queue;
    pub(super) fn rust_helper_v4l2_m2m_get_dst_vq(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> *mut bindings::vb2_queue;
    pub(super) fn rust_helper_v4l2_m2m_is_last_draining_src_buf(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
        vbuf: *mut bindings::vb2_v4l2_buffer,
    ) -> bool;
    pub(super) fn rust_helper_v4l2_m2m_dst_buf_is_last(
        m2m_ctx: *mut bindings::v4l2_m2m_ctx,
    ) -> bool;
    pub(super) fn rust_helper_v4l2_m2m_has_stopped(m2m_ctx: *mut bindings::v4l2_m2m_ctx) -> bool;
    pub(super) fn rust_helper_v4l2_m2m_mark_stopped(m2m_ctx: *mut bindings::v4l2_m2m_ctx);
    pub(super) fn rust_helper_v4l2_ctrl_handler_init(
        hdl: *mut bindings::v4l2_ctrl_handler,
        hint: c_uint,
    ) -> c_int;
    pub(super) fn rust_helper_v4l2_disable_decoder_cmd(vdev: *mut bindings::video_device);
    pub(super) fn rust_helper_v4l2_disable_encoder_cmd(vdev: *mut bindings::video_device);
    pub(super) fn rust_helper_media_device_register(mdev: *mut bindings::media_device) -> c_int;
    pub(super) fn rust_helper_media_device_requests(mdev: *mut bindings::media_device) -> c_int;
    pub(super) fn rust_helper_media_request_alloc(
        mdev: *mut bindings::media_device,
    ) -> *mut bindings::media_request;
    pub(super) fn rust_helper_media_request_free(req: *mut bindings::media_request);
}
