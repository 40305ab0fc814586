/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The knobs of the vb2 mem2mem test double: made by `cargo lab abi --write`
 * from fuzzer/uapi/src/double/knobs.rs. Edit that file instead.
 */
#ifndef _UAPI_VB2_DOUBLE_KNOBS_H
#define _UAPI_VB2_DOUBLE_KNOBS_H

/**
 * enum vb2_double_knob_id - what VB2_DOUBLE_S_KNOB sets
 * @VB2_DOUBLE_KNOB_JOB_BASE: job ids of this handle are this value plus 1, 2, 3, …;
 *	default 0
 * @VB2_DOUBLE_KNOB_JOB_TIME: time from the kick to the first chunk; 0 to 10 s, default 1 ms
 * @VB2_DOUBLE_KNOB_CHUNKS: chunks in which the writer fills the planes; 1 to 64, default 4
 * @VB2_DOUBLE_KNOB_CHUNK_DELAY: time between two chunks; 0 to 1 s, default 0
 * @VB2_DOUBLE_KNOB_COMPLETION: how jobs end: 0 in an hrtimer callback, 1 on a workqueue, 2
 *	inside device_run, 3 in an hrtimer callback with v4l2_m2m_buf_done_and_job_finish(),
 *	under mem2mem's job lock, 4 pipelined: mem2mem's job is finished when the hardware is
 *	kicked and the buffers are given back later, so that jobs of several handles are under
 *	way at once; EINVAL for 4 on codecs, which drain; EBUSY for a change from or to 4 while
 *	a node that can hold CAPTURE buffers has OUTPUT buffers; default 0
 * @VB2_DOUBLE_KNOB_GATE: 0 opens the gate; n holds the writer before chunk n; acts on the
 *	job that is being written, too; 0 to 64, default 0
 * @VB2_DOUBLE_KNOB_WATCHDOG: time after which the watchdog stops the writer and ends the
 *	job with an error; 1 ms to 2 s, default 1 s
 * @VB2_DOUBLE_KNOB_FAIL_ERROR: the n-th job from now ends in VB2_BUF_STATE_ERROR; 0 for
 *	none; default 0
 * @VB2_DOUBLE_KNOB_FAIL_LOST: the completion of the n-th job from now is lost; 0 for none;
 *	default 0
 * @VB2_DOUBLE_KNOB_SOURCE_CHANGE: before the n-th OUTPUT buffer from now the stream changes
 *	size; bits 0-15 n (0 for none), bits 16-31 width, bits 32-47 height; EINVAL but on
 *	decoders; default 0
 * @VB2_DOUBLE_KNOB_FRAMES: CAPTURE buffers that one OUTPUT buffer feeds, from the next
 *	OUTPUT buffer on; it is given back, and has a fence, with its last job; EBUSY for a
 *	change from or to 1 while a node that can hold CAPTURE buffers has OUTPUT buffers; 1 to
 *	16, default 1
 * @VB2_DOUBLE_KNOB_NOT_READY: 1: no job is ready; 0: jobs are, and those that waited are
 *	scheduled; default 0
 * @VB2_DOUBLE_KNOB_MIN_QUEUED: buffers that are to be queued before streaming starts; bits
 *	0-7 OUTPUT, bits 8-15 CAPTURE; EBUSY while buffers are allocated, EINVAL for OUTPUT of a
 *	node with requests; default 0
 * @VB2_DOUBLE_KNOB_SUSPEND: 1: waits for the node's running job and lets none run; 0: jobs
 *	of the node run again, unless another handle has suspended it too; closing the handle
 *	does the same as 0; default 0
 * @VB2_DOUBLE_KNOB_FAIL_LATE: the interrupt of the n-th job from now comes half a
 *	millisecond after its watchdog has ended the job; it is counted and ends no other; 0 for
 *	none; default 0
 * @VB2_DOUBLE_KNOB_ABORT: 0: STREAMOFF and close stop the writer at once; 1: they wait
 *	until it is through, or until the watchdog ends its job; default 0
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
	VB2_DOUBLE_KNOB_FRAMES = 11,
	VB2_DOUBLE_KNOB_NOT_READY = 12,
	VB2_DOUBLE_KNOB_MIN_QUEUED = 13,
	VB2_DOUBLE_KNOB_SUSPEND = 14,
	VB2_DOUBLE_KNOB_FAIL_LATE = 15,
	VB2_DOUBLE_KNOB_ABORT = 16,
};

#endif
