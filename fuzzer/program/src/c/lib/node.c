/* Whether sysfs calls a node so; any name will do if none is asked for. */
static int is_called(int number, const char *name)
{
	char path[64], told[64] = "";
	FILE *file;

	if (!name)
		return 1;
	snprintf(path, sizeof(path), "/sys/class/video4linux/video%d/name", number);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fgets(told, sizeof(told), file))
		told[strcspn(told, "\n")] = 0;
	fclose(file);
	return !strcmp(told, name);
}

/* Opens the mem2mem node of a driver, which is found by its name. */
static int open_node(int *slot, const char *driver, const char *name)
{
	const unsigned int mem2mem = V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE;
	struct v4l2_capability caps;
	char path[32];
	int number, fd;

	if (*slot >= 0)
		vacate(slot);
	for (number = 0; number < 64; number++) {
		if (!is_called(number, name))
			continue;
		snprintf(path, sizeof(path), "/dev/video%d", number);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!call(fd, VIDIOC_QUERYCAP, &caps) && caps.device_caps & mem2mem &&
		    !strcmp((const char *)caps.driver, driver)) {
			*slot = fd;
			return 0;
		}
		close(fd);
	}
	return -ENODEV;
}
