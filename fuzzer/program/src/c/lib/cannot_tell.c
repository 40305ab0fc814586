/* What has to be seen cannot be seen here. That is neither a failure nor a success. */
static void cannot_tell(const char *why, int result)
{
	printf("cannot tell: %s: %s\n", why, strerror(-result));
	exit(2);
}
