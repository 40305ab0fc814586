/* A mapping of a plane. */
struct mapping {
	void *start;
	size_t length;
};

static int map_at(struct mapping *map, int fd, off_t offset, size_t length)
{
	void *start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	if (start == MAP_FAILED)
		return -errno;
	map->start = start;
	map->length = length;
	return 0;
}

static int unmap(struct mapping *map)
{
	void *start = map->start;

	if (!start)
		return -EBADF;
	map->start = NULL;
	return munmap(start, map->length) < 0 ? -errno : 0;
}
