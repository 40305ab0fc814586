/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Control ABI of the vb2 mem2mem test double.
 *
 * The ioctls below act on one open file handle of a video node of the double. A knob
 * takes effect for the next job that is started, unless its text says otherwise; the
 * gate also acts on the job that is being written.
 */
#ifndef _UAPI_VB2_DOUBLE_H
#define _UAPI_VB2_DOUBLE_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/videodev2.h>

#include "vb2_double_knobs.h"

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
 * struct vb2_double_stats - answer of VB2_DOUBLE_G_STATS: what the double counted since
 * the file was opened
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
 * @done_capture: CAPTURE buffers that were given back without an error, or empty at the
 *	end of a drain
 * @error_output: OUTPUT buffers that were given back with an error, also by STREAMOFF
 * @error_capture: CAPTURE buffers that were given back with an error, also by STREAMOFF
 * @fences: release fences that were attached
 * @from_interrupt: jobs that ended in the timer's callback
 * @from_work: jobs that ended in the work item
 * @from_device_run: jobs that ended in device_run
 * @under_job_lock: jobs whose buffers were given back under mem2mem's job lock
 * @pipelined: jobs that ended after mem2mem's
 *
 * A held CAPTURE buffer that mem2mem gives back because the next OUTPUT buffer has
 * another timestamp is not counted.
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
 * struct vb2_double_stamp - what the writer leaves at the start of a CAPTURE plane, as
 * its very last stores
 * @magic: VB2_DOUBLE_STAMP_MAGIC, stored last of all; cleared before the first chunk is
 *	written
 * @job: the job's id
 * @time_ns: ktime_get_ns() just before the stamp was stored
 * @words: number of 64-bit pattern words that follow the stamp; word w of plane p is
 *	vb2_double_word(job ^ (__u64)p << 56, w)
 *
 * Each plane has one. The stamps are the very last stores of a job, that of plane 0 the
 * last of all.
 */
struct vb2_double_stamp {
	__u64 magic;
	__u64 job;
	__u64 time_ns;
	__u64 words;
};

#define VB2_DOUBLE_STAMP_MAGIC	0x32627663656e6566ULL

/* Pattern word @w of the first plane of job @job. */
static inline __u64 vb2_double_word(__u64 job, __u64 w)
{
	return (job * 0x9e3779b97f4a7c15ULL) ^ (w * 0xbf58476d1ce4e5b9ULL);
}

#endif
