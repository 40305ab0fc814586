// SPDX-License-Identifier: GPL-2.0
/*
 * One-line wrappers of static inline functions and macros, for Rust. Their
 * declarations are in shim.rs.
 *
 * They live in the module rather than in rust/helpers/, because what they call
 * is in modules as well.
 */

#include <linux/completion.h>
#include <linux/dma-fence.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include <media/v4l2-dev.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-mem2mem.h>
#include <media/videobuf2-v4l2.h>

#include <trace/events/vb2.h>

#include "vb2_double.h"

/* main.rs checks the same numbers against its own definitions. */
static_assert(sizeof(struct vb2_double_knob) == 16);
static_assert(sizeof(struct vb2_double_stamp) == 32);
static_assert(VB2_DOUBLE_S_KNOB == 0x401056c0);

#ifdef HAVE_VB2_RELEASE_FENCES
static char *attach = "device_run";
#else
static char *attach = "none";
#endif
module_param(attach, charp, 0444);
MODULE_PARM_DESC(attach,
		 "where release fences are attached: device_run (default), buf_queue or none (all there is without vb2_queue.release_fences)");

const char *vb2_double_param_attach(void)
{
	return attach;
}

void vb2_double_mutex_init(struct mutex *lock)
{
	mutex_init(lock);
}

void vb2_double_init_work(struct work_struct *work, work_func_t func)
{
	INIT_WORK(work, func);
}

struct workqueue_struct *vb2_double_alloc_workqueue(const char *name)
{
	return alloc_workqueue("%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 0, name);
}

int vb2_double_video_register_device(struct video_device *vdev)
{
	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}

void vb2_double_video_set_drvdata(struct video_device *vdev, void *data)
{
	video_set_drvdata(vdev, data);
}

void *vb2_double_video_drvdata(struct file *file)
{
	return video_drvdata(file);
}

struct v4l2_fh *vb2_double_file_to_v4l2_fh(struct file *file)
{
	return file_to_v4l2_fh(file);
}

struct vb2_v4l2_buffer *vb2_double_m2m_next_src_buf(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_next_src_buf(m2m_ctx);
}

struct vb2_v4l2_buffer *vb2_double_m2m_next_dst_buf(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_next_dst_buf(m2m_ctx);
}

struct vb2_v4l2_buffer *vb2_double_m2m_src_buf_remove(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_src_buf_remove(m2m_ctx);
}

struct vb2_v4l2_buffer *vb2_double_m2m_dst_buf_remove(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_dst_buf_remove(m2m_ctx);
}

struct vb2_queue *vb2_double_m2m_src_vq(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_get_src_vq(m2m_ctx);
}

struct vb2_queue *vb2_double_m2m_dst_vq(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_get_dst_vq(m2m_ctx);
}

bool vb2_double_m2m_is_last_draining_src_buf(struct v4l2_m2m_ctx *m2m_ctx,
					     struct vb2_v4l2_buffer *vbuf)
{
	return v4l2_m2m_is_last_draining_src_buf(m2m_ctx, vbuf);
}

bool vb2_double_m2m_dst_buf_is_last(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_dst_buf_is_last(m2m_ctx);
}

bool vb2_double_m2m_has_stopped(struct v4l2_m2m_ctx *m2m_ctx)
{
	return v4l2_m2m_has_stopped(m2m_ctx);
}

void vb2_double_m2m_mark_stopped(struct v4l2_m2m_ctx *m2m_ctx)
{
	v4l2_m2m_mark_stopped(m2m_ctx);
}

unsigned long vb2_double_plane_size(struct vb2_buffer *vb, unsigned int plane)
{
	return vb2_plane_size(vb, plane);
}

void vb2_double_set_plane_payload(struct vb2_buffer *vb, unsigned int plane, unsigned long size)
{
	vb2_set_plane_payload(vb, plane, size);
}

bool vb2_double_is_streaming(struct vb2_queue *q)
{
	return vb2_is_streaming(q);
}

bool vb2_double_is_busy(struct vb2_queue *q)
{
	return vb2_is_busy(q);
}

void vb2_double_clear_last_buffer_dequeued(struct vb2_queue *q)
{
	vb2_clear_last_buffer_dequeued(q);
}

/* Functions only if lockdep is built in. */
bool vb2_double_begin_signalling(void)
{
	return dma_fence_begin_signalling();
}

void vb2_double_end_signalling(bool cookie)
{
	dma_fence_end_signalling(cookie);
}

void vb2_double_trace_hw_job(struct vb2_queue *q, struct vb2_buffer *vb, u64 job,
			     unsigned int phase)
{
	trace_vb2_hw_job(q, vb, job, phase);
}
