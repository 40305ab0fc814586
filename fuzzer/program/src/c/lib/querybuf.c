static int query(int fd, unsigned int type, unsigned int index, struct v4l2_buffer *buffer)
{
	memset(buffer, 0, sizeof(*buffer));
	buffer->type = type;
	buffer->index = index;
	buffer->memory = V4L2_MEMORY_MMAP;
	return call(fd, VIDIOC_QUERYBUF, buffer);
}
