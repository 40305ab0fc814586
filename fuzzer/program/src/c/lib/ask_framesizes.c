/* Of the current format. */
static int ask_framesizes(int fd, unsigned int type)
{
	struct v4l2_frmsizeenum sizes = { .index = 0 };
	struct v4l2_format format;
	int result = get_format(fd, type, &format);

	sizes.pixel_format = format.fmt.pix.pixelformat;
	return result ? result : call(fd, VIDIOC_ENUM_FRAMESIZES, &sizes);
}
