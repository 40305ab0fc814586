/* Gives a descriptor a second name. */
static int second(int *name, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -errno;
	if (*name >= 0)
		vacate(name);
	*name = copy;
	return 0;
}
