/* VIDIOC_{G,S,TRY}_EXT_CTRLS of one control; the value is what userspace gives and gets. */
static int control(unsigned long what, int fd, unsigned int id, int value, const int *request)
{
	struct v4l2_ext_control one = { .id = id, .value = value };
	struct v4l2_ext_controls controls = { .count = 1, .controls = &one };

	controls.which = V4L2_CTRL_WHICH_CUR_VAL;
	if (request) {
		controls.which = V4L2_CTRL_WHICH_REQUEST_VAL;
		controls.request_fd = *request;
	}
	return call(fd, what, &controls);
}
