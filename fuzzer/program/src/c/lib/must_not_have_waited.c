/* The call began when the fence was pending, and took until it had signalled. */
static void must_not_have_waited(const struct watch *watch, uint64_t begin, const char *what)
{
	uint64_t took = now() - begin;
	int status, result = file_info(watch->sync, &status);

	if (result)
		cannot_tell("FILE_INFO", result);
	if (status && took > 100000)
		fail(what);
}
