/* Nothing asked this job to fail. */
static void must_end_well(int fd, unsigned int type, unsigned int index, const char *what)
{
	struct v4l2_buffer buffer;
	int result;

	do {
		result = wait_for(fd, type == OUTPUT ? POLLOUT : POLLIN, 3000000);
		buffer = (struct v4l2_buffer){ .type = type, .memory = V4L2_MEMORY_MMAP };
		if (result >= 0)
			result = call(fd, VIDIOC_DQBUF, &buffer);
	} while (!result && buffer.index != index);
	if (result)
		cannot_tell("the buffer does not come back", result);
	if (buffer.flags & V4L2_BUF_FLAG_ERROR)
		fail(what);
}
