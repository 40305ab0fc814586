static int tell_status(int sync)
{
	int status, result = file_info(sync, &status);

	if (!result)
		printf("  status %d\n", status);
	return result;
}
