/* The whole length of an OUTPUT buffer: an empty one is deprecated, and the kernel would warn. */
static unsigned int payload(int fd, unsigned int index)
{
	struct v4l2_buffer buffer;

	if (query(fd, OUTPUT, index, &buffer) < 0 || !buffer.length)
		return 1;
	return buffer.length;
}

/* A buffer of MMAP memory unless a dma-buf is named. */
static struct v4l2_buffer marked(int fd, unsigned int type, unsigned int index, const int *dmabuf,
				 unsigned int flags, unsigned int microseconds)
{
	struct v4l2_buffer buffer = {
		.type = type,
		.index = index,
		.memory = V4L2_MEMORY_MMAP,
		.flags = flags,
		.timestamp.tv_sec = microseconds / 1000000,
		.timestamp.tv_usec = microseconds % 1000000,
	};

	if (dmabuf) {
		off_t size = lseek(*dmabuf, 0, SEEK_END);

		buffer.memory = V4L2_MEMORY_DMABUF;
		buffer.m.fd = *dmabuf;
		buffer.length = size < 0 ? UINT32_MAX : (unsigned int)size;
	}
	if (type == OUTPUT) {
		buffer.field = V4L2_FIELD_NONE;
		buffer.bytesused = payload(fd, index);
		if (dmabuf && buffer.bytesused > buffer.length)
			buffer.bytesused = buffer.length;
	}
	return buffer;
}
