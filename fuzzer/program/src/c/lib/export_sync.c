static int export_sync(int *slot, int dmabuf, unsigned int access)
{
	struct dma_buf_export_sync_file export = { .flags = access, .fd = -1 };
	int result;

	if (*slot >= 0)
		vacate(slot);
	result = call(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export);
	if (!result)
		*slot = export.fd;
	return result;
}
