/* A fence that has signalled and is gone cannot tell that its buffer ended with an error; the buffer can. */
static int ended_badly(const struct watch *watch)
{
	struct v4l2_buffer buffer;

	return watch->file >= 0 && !query(watch->file, watch->type, watch->index, &buffer) &&
	       buffer.flags & V4L2_BUF_FLAG_ERROR;
}

/* At its fence's signal a plane is whole, and nobody writes to it any more. */
static void must_be_over(const struct watch *watch, int stamped, const char *what)
{
	off_t size = lseek(watch->dmabuf, 0, SEEK_END);
	int ready = wait_for(watch->sync, POLLIN, 3000000);
	uint64_t signalled;
	int status;
	void *plane;

	if (ready < 0 || !(ready & POLLIN))
		cannot_tell("the fence does not signal", -ETIME);
	plane = mmap(NULL, size, PROT_READ, MAP_SHARED, watch->dmabuf, 0);
	if (plane == MAP_FAILED)
		cannot_tell("mmap", -errno);
	signalled = signalled_at(watch->sync, &status);
	must_be_still(plane, size, what);
	if (stamped && status == 1 && !ended_badly(watch))
		must_be_stamped(plane, size, signalled, what);
	munmap(plane, size);
}
