#include <linux/dma-heap.h>

static int heap(int *slot, unsigned int bytes)
{
	struct dma_heap_allocation_data allocation = {
		.len = bytes,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int device, result;

	if (*slot >= 0)
		vacate(slot);
	device = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return -errno;
	result = call(device, DMA_HEAP_IOCTL_ALLOC, &allocation);
	close(device);
	if (!result)
		*slot = allocation.fd;
	return result;
}
