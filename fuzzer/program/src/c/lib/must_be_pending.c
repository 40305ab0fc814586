/* A job writes or reads this buffer just now: whoever has to wait must see its fence. */
static void must_be_pending(const struct watch *watch, unsigned int access, const char *what)
{
	const unsigned int states = V4L2_BUF_FLAG_QUEUED | V4L2_BUF_FLAG_DONE;
	struct v4l2_buffer buffer = { .flags = V4L2_BUF_FLAG_QUEUED };
	int sync = -1, status = 0;
	int result = export_sync(&sync, watch->dmabuf, access);

	if (!result)
		result = file_info(sync, &status);
	if (!result && status)
		result = query(watch->file, watch->type, watch->index, &buffer);
	if (sync >= 0)
		vacate(&sync);
	if (result)
		cannot_tell("the buffer cannot be looked at", result);
	if ((buffer.flags & states) != V4L2_BUF_FLAG_QUEUED)
		cannot_tell("the job was over too soon", -EALREADY);
	if (status)
		fail(what);
}
