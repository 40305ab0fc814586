static int give(unsigned long request, int fd, unsigned int type, unsigned int index,
		const int *dmabuf)
{
	return give_marked(request, fd, type, index, dmabuf, 0, 0);
}
