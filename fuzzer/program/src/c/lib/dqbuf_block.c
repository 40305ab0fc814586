/* Waits in the kernel: the file is non-blocking otherwise. */
static int dqbuf_block(int fd, unsigned int type)
{
	timer_t timer;
	int flags, result;

	result = set_alarm(&timer);
	if (result)
		return result;
	flags = fcntl(fd, F_GETFL);
	fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	result = dqbuf(fd, type);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	timer_delete(timer);
	return result;
}
