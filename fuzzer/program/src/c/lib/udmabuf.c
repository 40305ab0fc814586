#include <linux/udmabuf.h>

static int udmabuf(int *slot, unsigned int bytes)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = bytes };
	int device, result;

	if (*slot >= 0)
		vacate(slot);
	device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return -errno;
	create.memfd = memfd_create("udmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ftruncate(create.memfd, bytes) < 0 ||
	    fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
		result = -errno;
	} else {
		result = ioctl(device, UDMABUF_CREATE, &create);
		result = result < 0 ? -errno : result;
	}
	close(create.memfd);
	close(device);
	if (result < 0)
		return result;
	*slot = result;
	return 0;
}
