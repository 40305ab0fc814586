/* Pages for a buffer of USERPTR memory: those that it has already, as QUERYBUF tells, or new ones. */
static void give_pages(int fd, struct v4l2_buffer *buffer)
{
	struct v4l2_buffer known;
	void *pages;

	if (query(fd, buffer->type, buffer->index, &known) < 0 ||
	    known.memory != V4L2_MEMORY_USERPTR)
		return;
	buffer->memory = V4L2_MEMORY_USERPTR;
	buffer->length = known.length;
	buffer->m.userptr = known.m.userptr;
	if (buffer->m.userptr)
		return;
	pages = mmap(NULL, known.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	if (pages != MAP_FAILED)
		buffer->m.userptr = (unsigned long)pages;
}
