/* An ioctl that only asks, and needs to be told nothing. */
static int ask(int fd, unsigned long what)
{
	unsigned char answer[256] = { 0 };

	return call(fd, what, answer);
}
