/* Of the current format and size. */
static int ask_frameintervals(int fd, unsigned int type)
{
	struct v4l2_frmivalenum intervals = { .index = 0 };
	struct v4l2_format format;
	int result = get_format(fd, type, &format);

	intervals.pixel_format = format.fmt.pix.pixelformat;
	intervals.width = format.fmt.pix.width;
	intervals.height = format.fmt.pix.height;
	return result ? result : call(fd, VIDIOC_ENUM_FRAMEINTERVALS, &intervals);
}
