static int dqevent(int fd)
{
	struct v4l2_event event = { 0 };

	return call(fd, VIDIOC_DQEVENT, &event);
}
