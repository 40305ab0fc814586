static int dqbuf(int fd, unsigned int type)
{
	struct v4l2_buffer buffer = { .type = type, .memory = V4L2_MEMORY_MMAP };

	return call(fd, VIDIOC_DQBUF, &buffer);
}
