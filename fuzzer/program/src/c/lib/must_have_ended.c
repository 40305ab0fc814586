/* The fence was exported before, and must have signalled by now. */
static void must_have_ended(const struct watch *watch, const char *what)
{
	int status, result = file_info(watch->sync, &status);

	if (result)
		cannot_tell("FILE_INFO", result);
	if (!status)
		fail(what);
}
