#ifndef SYNC_IOC_SET_DEADLINE
struct sync_set_deadline {
	__u64 deadline_ns, pad;
};
#define SYNC_IOC_SET_DEADLINE _IOW(SYNC_IOC_MAGIC, 5, struct sync_set_deadline)
#endif

static int set_deadline(int sync, unsigned long microseconds)
{
	struct sync_set_deadline deadline = {
		.deadline_ns = now() + microseconds * UINT64_C(1000),
	};

	return call(sync, SYNC_IOC_SET_DEADLINE, &deadline);
}
