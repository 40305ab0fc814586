static int expbuf(int *slot, int fd, unsigned int type, unsigned int index)
{
	struct v4l2_exportbuffer export = {
		.type = type,
		.index = index,
		.flags = O_RDWR | O_CLOEXEC,
	};
	int result;

	if (*slot >= 0)
		vacate(slot);
	result = call(fd, VIDIOC_EXPBUF, &export);
	if (!result)
		*slot = export.fd;
	return result;
}
