/* When a sync_file's only fence signalled, and with what. */
static uint64_t signalled_at(int sync, int *status)
{
	struct sync_fence_info fence = { .status = 0 };
	struct sync_file_info info = {
		.num_fences = 1,
		.sync_fence_info = (uintptr_t)&fence,
	};
	int result = call(sync, SYNC_IOC_FILE_INFO, &info);

	if (result)
		cannot_tell("FILE_INFO", result);
	*status = info.status;
	return fence.timestamp_ns;
}
