static int querybuf(int fd, unsigned int type, unsigned int index)
{
	struct v4l2_buffer buffer;

	return query(fd, type, index, &buffer);
}
