/* A name that is bound again lets go of what it had. */
static int vacate(int *name)
{
	int fd = *name;

	*name = -1;
	return close(fd) < 0 ? -errno : 0;
}
