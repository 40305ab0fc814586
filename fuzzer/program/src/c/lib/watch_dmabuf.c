static void watch_dmabuf(struct watch *watch, int dmabuf, int file, unsigned int type,
			 unsigned int index)
{
	*watch = (struct watch){ file, dup(dmabuf), -1, type, index };
	watch_export(watch, watch->dmabuf < 0 ? -errno : 0);
}
