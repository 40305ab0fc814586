// SPDX-License-Identifier: GPL-2.0
/*
 * One-line wrappers of static inline functions and macros, for Rust. Their
 * declarations are in shim.rs.
 *
 * A driver includes this file in its own shim.c. The wrappers do not live in
 * rust/helpers/, because what they call is in modules.
 */

#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include <media/media-device.h>
#include <media/media-request.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-dev.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/v4l2-mem2mem.h>

void rust_helper_mutex_init(struct mutex *lock)
{
	mutex_init(lock);
}

int rust_helper_video_register_device(struct video_device *vdev)
{
	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}

void rust_helper_video_set_drvdata(struct video_device *vdev, void *data)
{
	video_set_drvdata(vdev, data);
}

void *rust_helper_video_drvdata(struct file *file)
{
	return video_drvdata(file);
}

struct v4l2_fh *rust_helper_file_to_v4l2_fh(struct file *file)
{
	return file_to_v4l2_fh(file);
}

struct vb2_v4l2_buffer *rust_helper_v4l2_m2m_next_src_buf(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_next_src_buf(m2m_ctx);
}

struct vb2_v4l2_buffer *rust_helper_v4l2_m2m_next_dst_buf(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_next_dst_buf(m2m_ctx);
}

struct vb2_v4l2_buffer *rust_helper_v4l2_m2m_src_buf_remove(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_src_buf_remove(m2m_ctx);
}

struct vb2_v4l2_buffer *rust_helper_v4l2_m2m_dst_buf_remove(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_dst_buf_remove(m2m_ctx);
}

unsigned int rust_helper_v4l2_m2m_num_src_bufs_ready(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_num_src_bufs_ready(m2m_ctx);
}

unsigned int rust_helper_v4l2_m2m_num_dst_bufs_ready(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_num_dst_bufs_ready(m2m_ctx);
}

struct vb2_queue *rust_helper_v4l2_m2m_get_src_vq(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_get_src_vq(m2m_ctx);
}

struct vb2_queue *rust_helper_v4l2_m2m_get_dst_vq(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_get_dst_vq(m2m_ctx);
}

bool rust_helper_v4l2_m2m_is_last_draining_src_buf(struct v4l2_m2m_ctx *m2m_ctx,
						   struct vb2_v4l2_buffer *vbuf)
{
	return v4l2_m2m_is_last_draining_src_buf(m2m_ctx, vbuf);
}

bool rust_helper_v4l2_m2m_dst_buf_is_last(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_dst_buf_is_last(m2m_ctx);
}

bool rust_helper_v4l2_m2m_has_stopped(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_has_stopped(m2m_ctx);
}

void rust_helper_v4l2_m2m_mark_stopped(struct v4l2_m2m_ctx *m2m_ctx)
{
	v4l2_m2m_mark_stopped(m2m_ctx);
}

int rust_helper_v4l2_ctrl_handler_init(struct v4l2_ctrl_handler *hdl, unsigned int hint)
{
	return v4l2_ctrl_handler_init(hdl, hint);
}

void rust_helper_v4l2_disable_decoder_cmd(struct video_device *vdev)
{
	v4l2_disable_ioctl(vdev, VIDIOC_TRY_DECODER_CMD);
	v4l2_disable_ioctl(vdev, VIDIOC_DECODER_CMD);
}

/* What only an encoder has: commands, and a frame rate. */
void rust_helper_v4l2_disable_encoder_cmd(struct video_device *vdev)
{
	v4l2_disable_ioctl(vdev, VIDIOC_TRY_ENCODER_CMD);
	v4l2_disable_ioctl(vdev, VIDIOC_ENCODER_CMD);
	v4l2_disable_ioctl(vdev, VIDIOC_G_PARM);
	v4l2_disable_ioctl(vdev, VIDIOC_S_PARM);
	v4l2_disable_ioctl(vdev, VIDIOC_ENUM_FRAMEINTERVALS);
}

int rust_helper_media_device_register(struct media_device *mdev)
{
	return media_device_register(mdev);
}

int rust_helper_media_device_requests(struct media_device *mdev)
{
	return atomic_read(&mdev->num_requests);
}

/* A request points to its media device, but the core keeps nothing for it. */
struct media_request *rust_helper_media_request_alloc(struct media_device *mdev)
{
	struct media_request *req;

	if (!try_module_get(THIS_MODULE))
		return NULL;

	req = kzalloc_obj(*req);
	if (!req)
		module_put(THIS_MODULE);
	return req;
}

void rust_helper_media_request_free(struct media_request *req)
{
	kfree(req);
	module_put(THIS_MODULE);
}
