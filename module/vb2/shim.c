// SPDX-License-Identifier: GPL-2.0
/*
 * One-line wrappers of static inline functions and macros, for Rust. Their
 * declarations are in shim.rs.
 *
 * A driver includes this file in its own shim.c. The wrappers do not live in
 * rust/helpers/, because what they call is in modules.
 */

#include <linux/dma-fence.h>

#include <media/videobuf2-dma-contig.h>
#include <media/videobuf2-dma-sg.h>
#include <media/videobuf2-v4l2.h>
#include <media/videobuf2-vmalloc.h>

#include <trace/events/vb2.h>

unsigned long rust_helper_vb2_plane_size(struct vb2_buffer *vb, unsigned int plane)
{
	return vb2_plane_size(vb, plane);
}

void rust_helper_vb2_set_plane_payload(struct vb2_buffer *vb, unsigned int plane,
				       unsigned long size)
{
	vb2_set_plane_payload(vb, plane, size);
}

bool rust_helper_vb2_is_streaming(struct vb2_queue *q)
{
	return vb2_is_streaming(q);
}

bool rust_helper_vb2_is_busy(struct vb2_queue *q)
{
	return vb2_is_busy(q);
}

void rust_helper_vb2_clear_last_buffer_dequeued(struct vb2_queue *q)
{
	vb2_clear_last_buffer_dequeued(q);
}

/* Functions only if lockdep is built in. */
bool rust_helper_dma_fence_begin_signalling(void)
{
	return dma_fence_begin_signalling();
}

void rust_helper_dma_fence_end_signalling(bool cookie)
{
	dma_fence_end_signalling(cookie);
}

void rust_helper_trace_vb2_hw_job(struct vb2_queue *q, struct vb2_buffer *vb, u64 job,
				  unsigned int phase)
{
	trace_vb2_hw_job(q, vb, job, phase);
}

const struct vb2_mem_ops *rust_helper_vb2_vmalloc_memops(void)
{
	return &vb2_vmalloc_memops;
}

/* The other two may be missing. */
const struct vb2_mem_ops *rust_helper_vb2_dma_sg_memops(void)
{
#if IS_REACHABLE(CONFIG_VIDEOBUF2_DMA_SG)
	return &vb2_dma_sg_memops;
#else
	return NULL;
#endif
}

const struct vb2_mem_ops *rust_helper_vb2_dma_contig_memops(void)
{
#if IS_REACHABLE(CONFIG_VIDEOBUF2_DMA_CONTIG)
	return &vb2_dma_contig_memops;
#else
	return NULL;
#endif
}
