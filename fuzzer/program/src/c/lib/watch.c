/* A buffer that is looked at beside the program: an export of its own, and the fences that it showed. */
struct watch {
	int file, dmabuf, sync;
	unsigned int type, index;
};

static void watch_export(struct watch *watch, int result)
{
	if (!result)
		result = export_sync(&watch->sync, watch->dmabuf, DMA_BUF_SYNC_RW);
	if (result)
		cannot_tell("the buffer cannot be exported", result);
}
