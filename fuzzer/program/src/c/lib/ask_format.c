static int ask_format(int fd, unsigned int type)
{
	struct v4l2_fmtdesc description = { .type = type };

	return call(fd, VIDIOC_ENUM_FMT, &description);
}
