static int encoder_cmd(int fd, unsigned int what)
{
	struct v4l2_encoder_cmd command = { .cmd = what };

	return call(fd, VIDIOC_ENCODER_CMD, &command);
}
