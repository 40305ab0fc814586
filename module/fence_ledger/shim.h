/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the tracepoints and the Rust part of the fence ledger. shim.rs is the
 * other side of every declaration here.
 */
#ifndef FENCE_LEDGER_SHIM_H
#define FENCE_LEDGER_SHIM_H

#include <linux/types.h>

struct dentry;
struct seq_file;
struct vm_area_struct;

/* The tracepoints that the ledger listens to; numbers index the probe table. */
enum ledger_event {
	LEDGER_EVENT_FENCE_INIT = 0,
	LEDGER_EVENT_FENCE_SIGNALED = 1,
	LEDGER_EVENT_FENCE_DESTROY = 2,
	LEDGER_EVENT_BUF_QUEUE = 3,
	LEDGER_EVENT_BUF_DONE = 4,
	LEDGER_EVENT_ATTACH = 5,
	LEDGER_EVENT_HW_JOB = 6,
	LEDGER_EVENT_LOCK_ACQUIRE = 7,
	LEDGER_EVENT_COUNT = 8,
};

/**
 * struct ledger_fence - what a probe tells about a struct dma_fence
 * @address: where the fence lives; an identity until the fence is destroyed
 * @context: dma_fence.context
 * @seqno: dma_fence.seqno
 * @error: dma_fence.error
 * @reserved: 0
 */
struct ledger_fence {
	u64 address;
	u64 context;
	u64 seqno;
	s32 error;
	u32 reserved;
};

/**
 * struct ledger_buffer - what a probe tells about a struct vb2_buffer
 * @queue: address of the vb2_queue
 * @type: vb2_buffer.type
 * @index: vb2_buffer.index
 * @state: vb2_buffer.state
 * @is_userptr: 1 if its planes are memory of user space, else 0
 */
struct ledger_buffer {
	u64 queue;
	u32 type;
	u32 index;
	u32 state;
	u32 is_userptr;
};

/**
 * struct ledger_plane - what a probe tells about a plane of a buffer
 * @resv: address of the dma_resv of the plane's memory, 0 if the kernel does not tell
 * @index: number of the plane
 * @reserved: 0
 */
struct ledger_plane {
	u64 resv;
	u32 index;
	u32 reserved;
};

/* Given to Rust by shim.c. */
const char *ledger_driver_names(void);
unsigned int ledger_context(void);
unsigned long ledger_irq_save(void);
void ledger_irq_restore(unsigned long flags);
int ledger_probe_register(unsigned int event, void *ledger);
void ledger_probe_unregister(unsigned int event, void *ledger);
void ledger_probe_synchronize(void);
void *ledger_area_alloc(size_t size);
void ledger_area_free(void *area);
int ledger_area_map(void *area, struct vm_area_struct *vma);
struct dentry *ledger_debugfs_create(void *ledger);
void ledger_debugfs_remove(struct dentry *dir);

/* Given to shim.c by Rust; @ledger is what ledger_probe_register() was told. */
void ledger_on_fence_init(void *ledger, const struct ledger_fence *fence, const char *driver);
void ledger_on_fence_signaled(void *ledger, const struct ledger_fence *fence);
void ledger_on_fence_signaled_again(void *ledger, const struct ledger_fence *fence);
void ledger_on_fence_destroy(void *ledger, const struct ledger_fence *fence);
void ledger_on_buf_queue(void *ledger, const struct ledger_buffer *buffer);
void ledger_on_buf_done(void *ledger, const struct ledger_buffer *buffer);
void ledger_on_attach(void *ledger, const struct ledger_buffer *buffer,
		      const struct ledger_plane *plane, const struct ledger_fence *fence,
		      u32 usage);
void ledger_on_hw_job(void *ledger, const struct ledger_buffer *buffer, u64 job, u32 phase);
void ledger_show_records(void *ledger, struct seq_file *m);
void ledger_show_summary(void *ledger, struct seq_file *m);

#endif
