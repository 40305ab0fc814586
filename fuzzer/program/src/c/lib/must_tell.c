/* The fence says how its buffer ended. */
static void must_tell(const struct watch *watch, int error, const char *what)
{
	int status, result = file_info(watch->sync, &status);

	if (result || !status)
		cannot_tell("the fence has not signalled", result);
	if ((status < 0) != error)
		fail(what);
}
