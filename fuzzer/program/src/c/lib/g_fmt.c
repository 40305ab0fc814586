static int g_fmt(int fd, unsigned int type)
{
	struct v4l2_format format;

	return get_format(fd, type, &format);
}
