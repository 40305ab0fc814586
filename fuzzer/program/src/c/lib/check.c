/* Looks at a plane through a mapping. */
static int check(int dmabuf)
{
	off_t size = lseek(dmabuf, 0, SEEK_END);
	const struct stamp *stamp;

	if (size < 0)
		return -errno;
	if ((size_t)size < sizeof(*stamp))
		return 0;
	stamp = mmap(NULL, size, PROT_READ, MAP_SHARED, dmabuf, 0);
	if (stamp == MAP_FAILED)
		return -errno;
	if (stamp->magic == STAMP_MAGIC)
		printf("  stamp of job %#llx at %llu ns\n", (unsigned long long)stamp->job,
		       (unsigned long long)stamp->time_ns);
	munmap((void *)stamp, size);
	return 0;
}
