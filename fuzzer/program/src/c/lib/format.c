static int get_format(int fd, unsigned int type, struct v4l2_format *format)
{
	memset(format, 0, sizeof(*format));
	format->type = type;
	return call(fd, VIDIOC_G_FMT, format);
}
