/* poll(2): what is ready. */
static int wait_for(int fd, short events, unsigned long microseconds)
{
	struct timespec limit = {
		.tv_sec = microseconds / 1000000,
		.tv_nsec = microseconds % 1000000 * 1000,
	};
	struct pollfd entry = { .fd = fd, .events = events };

	if (fd < 0)
		return -EBADF;
	return ppoll(&entry, 1, &limit, NULL) < 0 ? -errno : entry.revents;
}
