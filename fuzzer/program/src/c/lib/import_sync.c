static int import_sync(int dmabuf, int sync, unsigned int access)
{
	struct dma_buf_import_sync_file import = { .flags = access, .fd = sync };

	return call(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import);
}
