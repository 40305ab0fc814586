/* Nobody calls anything any more: the fence has to signal by itself. */
static void must_end(const struct watch *watch, const char *what)
{
	int ready = wait_for(watch->sync, POLLIN, 3000000);

	if (ready < 0)
		cannot_tell("poll", ready);
	if (!(ready & POLLIN))
		fail(what);
}
