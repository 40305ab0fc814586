/* VIDIOC_QBUF or VIDIOC_PREPARE_BUF of a queue that may have USERPTR memory. */
static int give_user(unsigned long request, int fd, unsigned int type, unsigned int index,
		     unsigned int flags, unsigned int microseconds)
{
	struct v4l2_buffer buffer = marked(fd, type, index, NULL, flags, microseconds);

	give_pages(fd, &buffer);
	return call(fd, request, &buffer);
}
