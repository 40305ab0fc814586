static int sw_sync(int *slot, int *timeline)
{
	struct sw_sync_create_fence_data create = { .value = 1 };
	int fresh, result;

	if (*slot >= 0)
		vacate(slot);
	fresh = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
	if (fresh < 0)
		return -errno;
	result = call(fresh, SW_SYNC_IOC_CREATE_FENCE, &create);
	if (result) {
		close(fresh);
		return result;
	}
	if (*timeline)
		close(*timeline);
	*timeline = fresh;
	*slot = create.fence;
	return 0;
}
