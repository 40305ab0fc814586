static int reqbufs(int fd, unsigned int type, unsigned int memory, unsigned int count)
{
	struct v4l2_requestbuffers request = {
		.type = type,
		.memory = memory,
		.count = count,
	};

	return call(fd, VIDIOC_REQBUFS, &request);
}
