static int map_plane(struct mapping *map, int fd, unsigned int type, unsigned int index)
{
	struct v4l2_buffer buffer;
	int result;

	if (map->start)
		return -EBUSY;
	result = query(fd, type, index, &buffer);
	/* A descriptor is no offset. */
	if (!result && buffer.memory != V4L2_MEMORY_MMAP)
		result = -EINVAL;
	return result ? result : map_at(map, fd, buffer.m.offset, (buffer.length + 4095) & ~4095u);
}
