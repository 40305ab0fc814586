/* VIDIOC_QBUF into a request of a queue that may have USERPTR memory. */
static int give_user_in_request(int request, int fd, unsigned int type, unsigned int index,
				const int *dmabuf, unsigned int flags, unsigned int microseconds)
{
	struct v4l2_buffer buffer =
		marked(fd, type, index, dmabuf, flags | V4L2_BUF_FLAG_REQUEST_FD, microseconds);

	give_pages(fd, &buffer);
	buffer.request_fd = request;
	return call(fd, VIDIOC_QBUF, &buffer);
}
