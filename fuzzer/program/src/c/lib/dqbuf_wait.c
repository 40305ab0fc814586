static int dqbuf_wait(int fd, unsigned int type)
{
	int ready = wait_for(fd, type == OUTPUT ? POLLOUT : POLLIN, 10000000);

	return ready < 0 ? ready : dqbuf(fd, type);
}
