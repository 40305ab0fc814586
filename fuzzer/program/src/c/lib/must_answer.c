/* What is open can be asked. */
static void must_answer(int fd, int is_sync, const char *what)
{
	int status, result = -EBADF;

	if (fd < 0)
		return;
	if (is_sync)
		result = file_info(fd, &status);
	else
		result = lseek(fd, 0, SEEK_END) < 0 ? -errno : wait_for(fd, POLLIN, 0);
	if (result < 0)
		fail(what);
}
