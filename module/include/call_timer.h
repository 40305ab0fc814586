/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/call_timer: how long an ioctl takes in the kernel.
 */
#ifndef _UAPI_CALL_TIMER_H
#define _UAPI_CALL_TIMER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct call_timer_run - argument of CALL_TIMER_RUN
 * @fd: on which file the ioctl is called
 * @request: the ioctl
 * @argument: its argument
 * @ticks: what it took, in ticks of the processor's time stamp counter
 */
struct call_timer_run {
	__s32 fd;
	__u32 request;
	__u64 argument;
	__u64 ticks;
};

/* Returns what the ioctl returned. */
#define CALL_TIMER_RUN	_IOWR(0xb2, 0, struct call_timer_run)

#endif
