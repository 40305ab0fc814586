static int create_bufs(int fd, unsigned int type, unsigned int memory, unsigned int count)
{
	struct v4l2_create_buffers create = { .memory = memory, .count = count };
	int result = get_format(fd, type, &create.format);

	return result < 0 ? result : call(fd, VIDIOC_CREATE_BUFS, &create);
}
