static int ask_selection(int fd, unsigned int type)
{
	struct v4l2_selection selection = { .type = type };

	selection.target = type == OUTPUT ? V4L2_SEL_TGT_CROP : V4L2_SEL_TGT_COMPOSE;
	return call(fd, VIDIOC_G_SELECTION, &selection);
}
