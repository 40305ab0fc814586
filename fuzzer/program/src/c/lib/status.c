/* What SYNC_IOC_FILE_INFO tells: 1 signalled, 0 pending, less than 0 an error. */
static int file_info(int sync, int *status)
{
	struct sync_file_info info = { 0 };
	int result = call(sync, SYNC_IOC_FILE_INFO, &info);

	*status = info.status;
	return result;
}
