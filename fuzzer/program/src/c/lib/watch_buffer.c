static void watch_buffer(struct watch *watch, int file, unsigned int type, unsigned int index)
{
	*watch = (struct watch){ file, -1, -1, type, index };
	watch_export(watch, expbuf(&watch->dmabuf, file, type, index));
}
