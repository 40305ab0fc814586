/* Who dequeues the buffer may queue it again at once: the fence must not outlive the job. */
static void must_end_before_done(const struct watch *watch, const char *what)
{
	struct v4l2_buffer buffer;
	int status = 1, waits = 3000;
	int result;

	do {
		pause_for(1000);
		result = query(watch->file, watch->type, watch->index, &buffer);
	} while (!result && !(buffer.flags & V4L2_BUF_FLAG_DONE) && --waits);
	if (!result)
		result = file_info(watch->sync, &status);
	if (result)
		cannot_tell("the buffer cannot be looked at", result);
	if (waits && !status)
		fail(what);
}
