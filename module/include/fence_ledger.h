/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * ABI of /dev/fence_ledger: a ring of fixed-size records of what happens to vb2 release fences.
 *
 * mmap(2) the device read-only at offset 0: first one page that starts with struct
 * fence_ledger_header, then @capacity records. Record number n (counted from 0 since the module was
 * loaded) stands at index n % capacity.
 *
 * Writers take no lock: each takes the next number from @head, marks the place of its record as
 * busy, fills it, and stores the number into @seq with release semantics. So a reader that wants
 * record n < head looks at its @seq, acquires it, copies the record and looks at @seq again:
 *
 * - n + 1, both times: the copy is whole. If its kind is FENCE_LEDGER_LOST the record was lost when
 *   it was written.
 * - head - n > capacity, before or after: the record was overwritten. A reader that wants n next
 *   has lost (head - capacity - n) records.
 * - anything else: its writer has not finished; look again later.
 *
 * The ring never waits and never allocates. Numbers and times grow together on each CPU; between
 * CPUs the times of neighbouring records may be in the other order.
 */
#ifndef _UAPI_FENCE_LEDGER_H
#define _UAPI_FENCE_LEDGER_H

#include <linux/const.h>
#include <linux/types.h>

#define FENCE_LEDGER_MAGIC	0x4c444746	/* "FGDL" */
#define FENCE_LEDGER_VERSION	3

/**
 * struct fence_ledger_header - start of the first mapped page
 * @magic: FENCE_LEDGER_MAGIC
 * @version: FENCE_LEDGER_VERSION
 * @record_size: sizeof(struct fence_ledger_record)
 * @capacity: number of records in the ring, a power of two
 * @records_offset: byte offset of the first record in the mapping
 * @head: number of records begun since load
 * @untracked: fences that could not be followed because the table of live fences was full
 * @inits: vb2 fences initialised
 * @attaches: attach records written
 * @signals: vb2 fences signalled
 * @destroys: vb2 fences destroyed
 * @lost: records that found their place still being written by somebody a whole ring behind
 */
struct fence_ledger_header {
	__u32 magic;
	__u32 version;
	__u32 record_size;
	__u32 capacity;
	__u64 records_offset;
	__u64 head;
	__u64 untracked;
	__u64 inits;
	__u64 attaches;
	__u64 signals;
	__u64 destroys;
	__u64 lost;
};

/**
 * enum fence_ledger_kind - what a record tells
 * @FENCE_LEDGER_LOST: this record was lost when it was written; nothing else is known of it
 * @FENCE_LEDGER_INIT: dma_fence_init; context, seqno
 * @FENCE_LEDGER_ATTACH: added to the resv of a plane; context, seqno, queue, type, index, plane,
 *	resv, value = enum dma_resv_usage
 * @FENCE_LEDGER_SIGNAL: dma_fence_signaled; context, seqno, error
 * @FENCE_LEDGER_DESTROY: dma_fence_destroy; context, seqno
 * @FENCE_LEDGER_QUEUE: vb2_buf_queue; queue, type, index
 * @FENCE_LEDGER_DONE: vb2_buf_done; queue, type, index, value = enum vb2_buffer_state
 * @FENCE_LEDGER_JOB: a driver told a step of a hardware job; queue, type, index, context = job id,
 *	value = enum fence_ledger_phase
 * @FENCE_LEDGER_AGAIN: somebody tried to signal a fence that was signalled; context, seqno. Told by
 *	kernels with lockdep only
 * @FENCE_LEDGER_USERPTR: the buffer that was queued just before stands on memory of user space, so
 *	that nobody can share it; queue, type, index
 */
enum fence_ledger_kind {
	FENCE_LEDGER_LOST = 0,
	FENCE_LEDGER_INIT = 1,
	FENCE_LEDGER_ATTACH = 2,
	FENCE_LEDGER_SIGNAL = 3,
	FENCE_LEDGER_DESTROY = 4,
	FENCE_LEDGER_QUEUE = 5,
	FENCE_LEDGER_DONE = 6,
	FENCE_LEDGER_JOB = 7,
	FENCE_LEDGER_AGAIN = 8,
	FENCE_LEDGER_USERPTR = 9,
};

/* Steps of a hardware job, in the value of a FENCE_LEDGER_JOB record. */
enum fence_ledger_phase {
	FENCE_LEDGER_PHASE_START = 1,
	FENCE_LEDGER_PHASE_FIRST_STORE = 2,
	FENCE_LEDGER_PHASE_LAST_STORE = 3,
	FENCE_LEDGER_PHASE_END = 4,
};

/*
 * Where it happened. A signal is always told under the lock of the fence, and so with interrupts
 * off; whether an interrupt handler signalled is what FENCE_LEDGER_F_HARDIRQ says.
 */
#define FENCE_LEDGER_F_HARDIRQ	0x1	/* in a hard interrupt handler */
#define FENCE_LEDGER_F_IRQS_OFF	0x2	/* with interrupts off, in whatever context */

#define FENCE_LEDGER_SEQ_BUSY	_BITULL(63)

/**
 * struct fence_ledger_record - one record, 72 bytes
 * @seq: record number plus 1; with FENCE_LEDGER_SEQ_BUSY while it is being written
 * @time_ns: ktime_get_ns()
 * @kind: enum fence_ledger_kind
 * @flags: FENCE_LEDGER_F_*
 * @error: dma_fence.error of a signal
 * @context: dma_fence.context, or the job id
 * @seqno: dma_fence.seqno
 * @queue: address of the vb2_queue, an opaque identity
 * @type: enum v4l2_buf_type
 * @index: vb2_buffer.index
 * @plane: plane number
 * @value: see enum fence_ledger_kind
 * @resv: address of the dma_resv, an opaque identity; 0 if the kernel does not tell
 */
struct fence_ledger_record {
	__u64 seq;
	__u64 time_ns;
	__u16 kind;
	__u16 flags;
	__s32 error;
	__u64 context;
	__u64 seqno;
	__u64 queue;
	__u32 type;
	__u32 index;
	__u32 plane;
	__u32 value;
	__u64 resv;
};

#endif
