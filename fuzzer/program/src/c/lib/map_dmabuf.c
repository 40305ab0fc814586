static int map_dmabuf(struct mapping *map, int dmabuf)
{
	off_t size = lseek(dmabuf, 0, SEEK_END);

	if (map->start)
		return -EBUSY;
	return size < 0 ? -errno : map_at(map, dmabuf, 0, size);
}
