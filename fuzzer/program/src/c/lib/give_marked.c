/* VIDIOC_QBUF or VIDIOC_PREPARE_BUF. */
static int give_marked(unsigned long request, int fd, unsigned int type, unsigned int index,
		       const int *dmabuf, unsigned int flags, unsigned int microseconds)
{
	struct v4l2_buffer buffer = marked(fd, type, index, dmabuf, flags, microseconds);

	return call(fd, request, &buffer);
}
