static int try_fmt(int fd, unsigned int type, unsigned int width, unsigned int height)
{
	struct v4l2_format format = { .type = type };

	format.fmt.pix.width = width;
	format.fmt.pix.height = height;
	format.fmt.pix.field = V4L2_FIELD_NONE;
	return call(fd, VIDIOC_TRY_FMT, &format);
}
