static int decoder_cmd(int fd, unsigned int what)
{
	struct v4l2_decoder_cmd command = { .cmd = what };

	return call(fd, VIDIOC_DECODER_CMD, &command);
}
