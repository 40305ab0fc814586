static int query_control(int fd, unsigned int id)
{
	struct v4l2_query_ext_ctrl query = { .id = id };

	return call(fd, VIDIOC_QUERY_EXT_CTRL, &query);
}
