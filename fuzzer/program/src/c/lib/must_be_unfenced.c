/* No job has this buffer, so nobody will signal a fence of it. */
static void must_be_unfenced(const struct watch *watch, const char *what)
{
	int status, result = file_info(watch->sync, &status);

	if (result)
		cannot_tell("FILE_INFO", result);
	if (!status)
		fail(what);
}
