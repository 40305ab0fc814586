static int ask_parm(int fd, unsigned int type)
{
	struct v4l2_streamparm parm = { .type = type };

	return call(fd, VIDIOC_G_PARM, &parm);
}
