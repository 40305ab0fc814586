static int merge(int *slot, int one, int other)
{
	struct sync_merge_data data = { .fd2 = other };
	int result = call(one, SYNC_IOC_MERGE, &data);

	if (*slot >= 0)
		vacate(slot);
	if (!result)
		*slot = data.fence;
	return result;
}
