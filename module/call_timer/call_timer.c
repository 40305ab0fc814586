// SPDX-License-Identifier: GPL-2.0
/*
 * Calls an ioctl of another file and tells how long that took. On User-Mode
 * Linux a system call spends most of its time on the way into the kernel and
 * out of it, so what a change in the kernel costs cannot be seen from outside.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include <call_timer.h>

static const struct file_operations call_timer_fops;

/* Not before all that precedes it is done. */
static u64 call_timer_ticks(void)
{
	u32 low, high;

	asm volatile("lfence\n\trdtsc" : "=a" (low), "=d" (high) : : "memory");

	return (u64)high << 32 | low;
}

static long call_timer_time(struct call_timer_run *run)
{
	CLASS(fd, f)(run->fd);
	struct file *file = fd_file(f);
	u64 begin;
	long ret;

	if (fd_empty(f))
		return -EBADF;
	/* Calls within calls within calls would use up the stack. */
	if (file->f_op == &call_timer_fops)
		return -ELOOP;
	if (!file->f_op->unlocked_ioctl)
		return -ENOTTY;

	begin = call_timer_ticks();
	ret = file->f_op->unlocked_ioctl(file, run->request, run->argument);
	run->ticks = call_timer_ticks() - begin;

	return ret;
}

static long call_timer_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct call_timer_run __user *user = (struct call_timer_run __user *)arg;
	struct call_timer_run run;
	long ret;

	if (cmd != CALL_TIMER_RUN)
		return -ENOTTY;
	if (copy_from_user(&run, user, sizeof(run)))
		return -EFAULT;

	run.ticks = 0;
	ret = call_timer_time(&run);
	if (put_user(run.ticks, &user->ticks))
		return -EFAULT;

	return ret;
}

static const struct file_operations call_timer_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = call_timer_ioctl,
};

static struct miscdevice call_timer_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "call_timer",
	.fops = &call_timer_fops,
	.mode = 0600,
};
module_misc_device(call_timer_device);

MODULE_DESCRIPTION("time that ioctls take in the kernel");
MODULE_AUTHOR("The vb2-fence-lab authors");
MODULE_LICENSE("GPL");
