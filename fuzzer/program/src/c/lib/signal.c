static int signal_timeline(int timeline)
{
	uint32_t one = 1;

	return call(timeline ? timeline : -1, SW_SYNC_IOC_INC, &one);
}
