static int failures;

static void fail(const char *what)
{
	printf("FAIL: %s\n", what);
	failures++;
}
