static int stream(unsigned long request, int fd, unsigned int type)
{
	int argument = type;

	return call(fd, request, &argument);
}
