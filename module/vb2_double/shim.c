// SPDX-License-Identifier: GPL-2.0
/*
 * What the double says in C: its parameters, its ABI's numbers, and wrappers of
 * macros that nobody but its clock uses. Their declarations are in shim.rs.
 */

#include <linux/dma-mapping.h>
#include <linux/moduleparam.h>
#include <linux/workqueue.h>

#include "../v4l2/shim.c"
#include "../vb2/shim.c"

#include "vb2_double.h"

/* main.rs checks the same numbers against its own definitions. */
static_assert(sizeof(struct vb2_double_knob) == 16);
static_assert(sizeof(struct vb2_double_stamp) == 32);
static_assert(VB2_DOUBLE_S_KNOB == 0x401056c0);
static_assert(sizeof(struct vb2_double_stats) == 152);
static_assert(VB2_DOUBLE_G_STATS == 0x809856c1);

#ifdef HAVE_VB2_RELEASE_FENCES
static char *attach = "device_run";
#else
static char *attach = "none";
#endif
module_param(attach, charp, 0444);
MODULE_PARM_DESC(attach,
		 "where release fences are attached: device_run (default), buf_queue or none (all there is without vb2_queue.release_fences)");

static char *nodes = "decoder";
module_param(nodes, charp, 0444);
MODULE_PARM_DESC(nodes,
		 "video devices, separated by commas: decoder (default), encoder, m2m, decoder-mplane, encoder-mplane, m2m-mplane");

static char *memory = "vmalloc";
module_param(memory, charp, 0444);
MODULE_PARM_DESC(memory, "memory of buffers: vmalloc (default), dma-sg or dma-contig");

const char *vb2_double_param_attach(void)
{
	return attach;
}

const char *vb2_double_param_nodes(void)
{
	return nodes;
}

const char *vb2_double_param_memory(void)
{
	return memory;
}

int vb2_double_enable_dma(struct device *dev)
{
	return dma_coerce_mask_and_coherent(dev, DMA_BIT_MASK(64));
}

void vb2_double_init_work(struct work_struct *work, work_func_t func)
{
	INIT_WORK(work, func);
}

struct workqueue_struct *vb2_double_alloc_workqueue(const char *name)
{
	return alloc_workqueue("%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 0, name);
}
