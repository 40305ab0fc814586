/* A merged sync_file is pending as long as one of its fences is. */
static void must_wait_for_both(int merged, int one, int other, const char *what)
{
	int all, first, second;
	int result = file_info(merged, &all);

	if (!result)
		result = file_info(one, &first);
	if (!result)
		result = file_info(other, &second);
	if (result)
		cannot_tell("FILE_INFO", result);
	if (all == 1 && (!first || !second))
		fail(what);
}
