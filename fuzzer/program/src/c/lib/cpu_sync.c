static int cpu_sync(int dmabuf, unsigned long long access)
{
	struct dma_buf_sync sync = { .flags = access };

	return call(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}
