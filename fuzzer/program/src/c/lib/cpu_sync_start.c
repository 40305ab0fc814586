/* The start waits for fences. */
static int cpu_sync_start(int dmabuf, unsigned long long access)
{
	timer_t timer;
	int result;

	result = set_alarm(&timer);
	if (result)
		return result;
	result = cpu_sync(dmabuf, access | DMA_BUF_SYNC_START);
	timer_delete(timer);
	return result;
}
