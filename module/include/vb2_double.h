/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Control ABI of the vb2 mem2mem test double.
 *
 * The ioctls below act on one open file handle of the double's video node. They take effect for the next job that is
 * started, except the gate, which also acts on the job that is being written.
 */
#ifndef _UAPI_VB2_DOUBLE_H
#define _UAPI_VB2_DOUBLE_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/videodev2.h>

/**
 * enum vb2_double_knob_id - what VB2_DOUBLE_S_KNOB sets
 * @VB2_DOUBLE_KNOB_JOB_BASE: job ids of this handle are this value plus 1, 2, 3, …; default 0
 * @VB2_DOUBLE_KNOB_JOB_TIME: nanoseconds from the kick to the first chunk, at most 10 s; default 1 ms
 * @VB2_DOUBLE_KNOB_CHUNKS: chunks the writer makes, 1 to 64; default 4
 * @VB2_DOUBLE_KNOB_CHUNK_DELAY: nanoseconds between two chunks, at most 1 s; default 0
 * @VB2_DOUBLE_KNOB_COMPLETION: 0 hrtimer callback, 1 workqueue, 2 inside device_run; default 0
 * @VB2_DOUBLE_KNOB_GATE: 0 opens the gate; n holds the writer before chunk n (1 to 64)
 * @VB2_DOUBLE_KNOB_WATCHDOG: nanoseconds after which the watchdog stops the writer and ends the job with an error,
 *	1 ms to 2 s; default 1 s
 * @VB2_DOUBLE_KNOB_FAIL_ERROR: the n-th job from now ends in VB2_BUF_STATE_ERROR; 0 for none
 * @VB2_DOUBLE_KNOB_FAIL_LOST: the completion of the n-th job from now is lost; 0 for none
 * @VB2_DOUBLE_KNOB_SOURCE_CHANGE: before the n-th OUTPUT frame from now the stream changes size;
 *	bits 0-15 n (0 for none), bits 16-31 width, bits 32-47 height; EINVAL unless the node is a decoder
 */
enum vb2_double_knob_id {
	VB2_DOUBLE_KNOB_JOB_BASE = 1,
	VB2_DOUBLE_KNOB_JOB_TIME = 2,
	VB2_DOUBLE_KNOB_CHUNKS = 3,
	VB2_DOUBLE_KNOB_CHUNK_DELAY = 4,
	VB2_DOUBLE_KNOB_COMPLETION = 5,
	VB2_DOUBLE_KNOB_GATE = 6,
	VB2_DOUBLE_KNOB_WATCHDOG = 7,
	VB2_DOUBLE_KNOB_FAIL_ERROR = 8,
	VB2_DOUBLE_KNOB_FAIL_LOST = 9,
	VB2_DOUBLE_KNOB_SOURCE_CHANGE = 10,
};

/**
 * struct vb2_double_knob - argument of VB2_DOUBLE_S_KNOB
 * @id: enum vb2_double_knob_id
 * @reserved: must be 0, else EINVAL
 * @value: the value; EINVAL if it is out of range
 */
struct vb2_double_knob {
	__u32 id;
	__u32 reserved;
	__u64 value;
};

#define VB2_DOUBLE_S_KNOB	_IOW('V', BASE_VIDIOC_PRIVATE + 0, struct vb2_double_knob)

/**
 * struct vb2_double_stats - answer of VB2_DOUBLE_G_STATS: what the double counted since the file was opened
 * @begun: jobs that were begun; each is one of the next five, or under way
 * @completed: jobs that went well
 * @failed: jobs that the hardware ended with an error
 * @timed_out: jobs that the watchdog ended
 * @aborted: jobs that STREAMOFF or close ended
 * @refused: jobs that could not be started
 * @late: interrupts of jobs that the watchdog had ended before
 * @queued_output: OUTPUT buffers that the double was given
 * @queued_capture: CAPTURE buffers that the double was given
 * @done_output: OUTPUT buffers that were given back without an error
 * @done_capture: CAPTURE buffers that were given back without an error, or empty at the end of a drain
 * @error_output: OUTPUT buffers that were given back with an error, also by STREAMOFF
 * @error_capture: CAPTURE buffers that were given back with an error, also by STREAMOFF
 * @fences: release fences that were attached
 * @from_interrupt: jobs that ended in the timer's callback
 * @from_work: jobs that ended in the work item
 * @from_device_run: jobs that ended in device_run
 * @under_job_lock: jobs whose buffers were given back under mem2mem's job lock
 * @pipelined: jobs that ended after mem2mem's
 *
 * A held CAPTURE buffer that mem2mem gives back because the next OUTPUT buffer has another timestamp is not counted.
 */
struct vb2_double_stats {
	__u64 begun;
	__u64 completed;
	__u64 failed;
	__u64 timed_out;
	__u64 aborted;
	__u64 refused;
	__u64 late;
	__u64 queued_output;
	__u64 queued_capture;
	__u64 done_output;
	__u64 done_capture;
	__u64 error_output;
	__u64 error_capture;
	__u64 fences;
	__u64 from_interrupt;
	__u64 from_work;
	__u64 from_device_run;
	__u64 under_job_lock;
	__u64 pipelined;
};

#define VB2_DOUBLE_G_STATS	_IOR('V', BASE_VIDIOC_PRIVATE + 1, struct vb2_double_stats)

/**
 * struct vb2_double_stamp - what the writer leaves at the start of a CAPTURE plane, as its very last store
 * @magic: VB2_DOUBLE_STAMP_MAGIC, stored last of all; cleared before the first chunk is written
 * @job: the job's id
 * @time_ns: ktime_get_ns() just before the stamp was stored
 * @words: number of 64-bit pattern words that follow the stamp; word w is vb2_double_word(job, w)
 */
struct vb2_double_stamp {
	__u64 magic;
	__u64 job;
	__u64 time_ns;
	__u64 words;
};

#define VB2_DOUBLE_STAMP_MAGIC	0x32627663656e6566ULL

/* Pattern word @w of job @job. */
static inline __u64 vb2_double_word(__u64 job, __u64 w)
{
	return (job * 0x9e3779b97f4a7c15ULL) ^ (w * 0xbf58476d1ce4e5b9ULL);
}

#endif
