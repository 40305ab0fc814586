/* Who only reads need not wait for the device, which only reads too. */
static void must_be_free_for(unsigned int access, const struct watch *watch, const char *what)
{
	int sync = -1, status = 0;
	int result = export_sync(&sync, watch->dmabuf, access);

	if (!result)
		result = file_info(sync, &status);
	if (result)
		cannot_tell("EXPORT_SYNC_FILE", result);
	vacate(&sync);
	if (!status)
		fail(what);
}
