// SPDX-License-Identifier: GPL-2.0
/*
 * The part of the fence ledger that has to be C: static inlines, macros and the
 * tracepoint prototypes. There is no policy here.
 */
#include <linux/debugfs.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/irqflags.h>
#include <linux/kallsyms.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/vmalloc.h>
#include <media/videobuf2-core.h>
#include <trace/events/lock.h>
#include <trace/events/vb2.h>

#include <fence_ledger.h>

#include "shim.h"

static_assert(sizeof(struct fence_ledger_header) == 80);
static_assert(offsetof(struct fence_ledger_header, head) == 24);
static_assert(offsetof(struct fence_ledger_header, lost) == 72);
static_assert(sizeof(struct fence_ledger_record) == 72);
static_assert(offsetof(struct fence_ledger_record, kind) == 16);
static_assert(offsetof(struct fence_ledger_record, queue) == 40);
static_assert(offsetof(struct fence_ledger_record, resv) == 64);
static_assert(sizeof(struct ledger_fence) == 32);
static_assert(sizeof(struct ledger_buffer) == 24);
static_assert(sizeof(struct ledger_plane) == 16);

/* kernel::module_param has no strings yet. */
static char driver[64] = "vb2";
module_param_string(driver, driver, sizeof(driver), 0444);
MODULE_PARM_DESC(driver, "driver names of the fences to follow, separated by commas (default vb2)");

const char *ledger_driver_names(void)
{
	return driver;
}

unsigned int ledger_context(void)
{
	return (in_hardirq() ? FENCE_LEDGER_F_HARDIRQ : 0) |
	       (irqs_disabled() ? FENCE_LEDGER_F_IRQS_OFF : 0);
}

/* Interrupts of this CPU only: nobody waits for anybody. */
unsigned long ledger_irq_save(void)
{
	unsigned long flags;

	local_irq_save(flags);
	return flags;
}

void ledger_irq_restore(unsigned long flags)
{
	local_irq_restore(flags);
}

static struct ledger_fence ledger_fence_view(const struct dma_fence *fence)
{
	return (struct ledger_fence) {
		.address = (unsigned long)fence,
		.context = fence->context,
		.seqno = fence->seqno,
		.error = fence->error,
	};
}

static struct ledger_buffer ledger_buffer_view(const struct vb2_queue *q,
					       const struct vb2_buffer *vb)
{
	return (struct ledger_buffer) {
		.queue = (unsigned long)q,
		.type = vb->type,
		.index = vb->index,
		.state = vb->state,
		.is_userptr = vb->memory == VB2_MEMORY_USERPTR,
	};
}

#ifdef CONFIG_LOCKDEP
/* What lockdep knows the locks inside fences by; NULL until there was a fence. */
static struct lock_class_key *ledger_fence_lock;

static void ledger_learn_lock(const struct dma_fence *fence)
{
	if (test_bit(DMA_FENCE_FLAG_INLINE_LOCK_BIT, &fence->flags))
		WRITE_ONCE(ledger_fence_lock, fence->inline_lock.dep_map.key);
}

static bool ledger_is_signalling(unsigned long ip)
{
	char symbol[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(symbol, ip);
	return strstarts(symbol, "dma_fence_signal") ||
	       strstarts(symbol, "dma_fence_check_and_signal");
}

/*
 * dma_fence_signaled comes once by construction, so a second call is not to be
 * seen there. But it takes the lock of the fence, and lockdep tells of each lock
 * who takes it. Whoever signals with the lock held already remains unseen, and
 * so does the signal of a fence whose lock is not its own.
 *
 * This runs at each lock that anybody takes. It takes none of that class itself,
 * so it does not meet itself.
 */
static void ledger_probe_lock_acquire(void *ledger, struct lockdep_map *lock,
				      unsigned int subclass, int trylock, int read, int check,
				      struct lockdep_map *nest, unsigned long ip)
{
	const struct dma_fence *fence;

	if (!lock->key || lock->key != READ_ONCE(ledger_fence_lock))
		return;

	fence = container_of(lock, struct dma_fence, inline_lock.dep_map);
	if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) && ledger_is_signalling(ip)) {
		const struct ledger_fence view = ledger_fence_view(fence);

		ledger_on_fence_signaled_again(ledger, &view);
	}
}
#else
static void ledger_learn_lock(const struct dma_fence *fence)
{
}
#endif

static void ledger_probe_fence_init(void *ledger, struct dma_fence *fence)
{
	const struct ledger_fence view = ledger_fence_view(fence);
	const char __rcu *name;

	ledger_learn_lock(fence);
	/* Tracepoints do not imply RCU, but the names of a fence need it. */
	rcu_read_lock();
	name = dma_fence_driver_name(fence);
	ledger_on_fence_init(ledger, &view, rcu_dereference(name));
	rcu_read_unlock();
}

static void ledger_probe_fence_signaled(void *ledger, struct dma_fence *fence)
{
	const struct ledger_fence view = ledger_fence_view(fence);

	ledger_on_fence_signaled(ledger, &view);
}

static void ledger_probe_fence_destroy(void *ledger, struct dma_fence *fence)
{
	const struct ledger_fence view = ledger_fence_view(fence);

	ledger_on_fence_destroy(ledger, &view);
}

static void ledger_probe_buf_queue(void *ledger, struct vb2_queue *q, struct vb2_buffer *vb)
{
	const struct ledger_buffer view = ledger_buffer_view(q, vb);

	ledger_on_buf_queue(ledger, &view);
}

/*
 * vb2 traces this after it has let go of the buffer. On SMP user space may have
 * it back already; then the state is the one that the buffer has now.
 */
static void ledger_probe_buf_done(void *ledger, struct vb2_queue *q, struct vb2_buffer *vb)
{
	const struct ledger_buffer view = ledger_buffer_view(q, vb);

	ledger_on_buf_done(ledger, &view);
}

#ifdef HAVE_VB2_RELEASE_FENCE_EVENT
/* As the helper finds it: the buffer is active, so its memory stays. */
static const struct dma_resv *ledger_plane_resv(const struct vb2_buffer *vb, unsigned int plane)
{
	const struct vb2_plane *p = &vb->planes[plane];

	if (vb->memory == VB2_MEMORY_DMABUF)
		return p->dbuf ? p->dbuf->resv : NULL;
#ifdef HAVE_VB2_GET_RESV
	if (vb->memory == VB2_MEMORY_MMAP && vb->vb2_queue->mem_ops->get_resv)
		return vb->vb2_queue->mem_ops->get_resv(p->mem_priv);
#endif
	return NULL;
}

static void ledger_probe_attach(void *ledger, struct vb2_queue *q, struct vb2_buffer *vb,
				unsigned int plane, struct dma_fence *fence, unsigned int usage)
{
	const struct ledger_buffer buffer = ledger_buffer_view(q, vb);
	const struct ledger_fence view = ledger_fence_view(fence);
	const struct ledger_plane in = {
		.resv = (unsigned long)ledger_plane_resv(vb, plane),
		.index = plane,
	};

	ledger_on_attach(ledger, &buffer, &in, &view, usage);
}
#endif

#ifdef HAVE_VB2_HW_JOB_EVENT
static void ledger_probe_hw_job(void *ledger, struct vb2_queue *q, struct vb2_buffer *vb,
				u64 job, unsigned int phase)
{
	const struct ledger_buffer view = ledger_buffer_view(q, vb);

	ledger_on_hw_job(ledger, &view, job, phase);
}
#endif

/* A probe whose @tp is NULL listens to a built-in tracepoint, found by @name. */
struct ledger_probe {
	const char *name;
	struct tracepoint *tp;
	void *func;
};

static struct ledger_probe ledger_probes[LEDGER_EVENT_COUNT] = {
	[LEDGER_EVENT_FENCE_INIT] = {
		.name = "dma_fence_init",
		.func = ledger_probe_fence_init,
	},
	[LEDGER_EVENT_FENCE_SIGNALED] = {
		.name = "dma_fence_signaled",
		.func = ledger_probe_fence_signaled,
	},
	[LEDGER_EVENT_FENCE_DESTROY] = {
		.name = "dma_fence_destroy",
		.func = ledger_probe_fence_destroy,
	},
	[LEDGER_EVENT_BUF_QUEUE] = {
		.name = "vb2_buf_queue",
		.tp = &__tracepoint_vb2_buf_queue,
		.func = ledger_probe_buf_queue,
	},
	[LEDGER_EVENT_BUF_DONE] = {
		.name = "vb2_buf_done",
		.tp = &__tracepoint_vb2_buf_done,
		.func = ledger_probe_buf_done,
	},
	[LEDGER_EVENT_ATTACH] = {
		.name = "vb2_release_fence_attach",
#ifdef HAVE_VB2_RELEASE_FENCE_EVENT
		.tp = &__tracepoint_vb2_release_fence_attach,
		.func = ledger_probe_attach,
#endif
	},
	[LEDGER_EVENT_HW_JOB] = {
		.name = "vb2_hw_job",
#ifdef HAVE_VB2_HW_JOB_EVENT
		.tp = &__tracepoint_vb2_hw_job,
		.func = ledger_probe_hw_job,
#endif
	},
	[LEDGER_EVENT_LOCK_ACQUIRE] = {
		.name = "lock_acquire",
#ifdef CONFIG_LOCKDEP
		.func = ledger_probe_lock_acquire,
#endif
	},
};

/* The functions go through void pointers; let the compiler see their types once. */
static void __maybe_unused ledger_check_probe_types(void)
{
	check_trace_callback_type_vb2_buf_queue(ledger_probe_buf_queue);
	check_trace_callback_type_vb2_buf_done(ledger_probe_buf_done);
#ifdef HAVE_VB2_RELEASE_FENCE_EVENT
	check_trace_callback_type_vb2_release_fence_attach(ledger_probe_attach);
#endif
#ifdef HAVE_VB2_HW_JOB_EVENT
	check_trace_callback_type_vb2_hw_job(ledger_probe_hw_job);
#endif
#ifdef CONFIG_LOCKDEP
	check_trace_callback_type_lock_acquire(ledger_probe_lock_acquire);
#endif
}

static void ledger_match_tracepoint(struct tracepoint *tp, void *priv)
{
	struct ledger_probe *probe = priv;

	if (!strcmp(tp->name, probe->name))
		probe->tp = tp;
}

/* Return: 0, -ENOENT if this kernel has no such tracepoint, or another error. */
int ledger_probe_register(unsigned int event, void *ledger)
{
	struct ledger_probe *probe = &ledger_probes[event];

	if (!probe->func)
		return -ENOENT;
	if (!probe->tp)
		for_each_kernel_tracepoint(ledger_match_tracepoint, probe);
	if (!probe->tp)
		return -ENOENT;
	return tracepoint_probe_register(probe->tp, probe->func, ledger);
}

void ledger_probe_unregister(unsigned int event, void *ledger)
{
	struct ledger_probe *probe = &ledger_probes[event];

	tracepoint_probe_unregister(probe->tp, probe->func, ledger);
}

void ledger_probe_synchronize(void)
{
	tracepoint_synchronize_unregister();
}

/*
 * The records hold addresses of queues and reservation objects. kmemleak must
 * not take these for references, or the ledger would hide the leaks it is there
 * to find.
 */
void *ledger_area_alloc(size_t size)
{
	void *area = vmalloc_user(size);

	if (area)
		kmemleak_no_scan(area);
	return area;
}

void ledger_area_free(void *area)
{
	vfree(area);
}

int ledger_area_map(void *area, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, area, vma->vm_pgoff);
}

static int records_show(struct seq_file *m, void *unused)
{
	ledger_show_records(m->private, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(records);

static int summary_show(struct seq_file *m, void *unused)
{
	ledger_show_summary(m->private, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(summary);

/* kernel::debugfs leaves file_operations.owner NULL, so an open file would outlive the module. */
struct dentry *ledger_debugfs_create(void *ledger)
{
	struct dentry *dir = debugfs_create_dir("fence_ledger", NULL);

	debugfs_create_file("records", 0400, dir, ledger, &records_fops);
	debugfs_create_file("summary", 0400, dir, ledger, &summary_fops);
	return dir;
}

void ledger_debugfs_remove(struct dentry *dir)
{
	debugfs_remove(dir);
}
