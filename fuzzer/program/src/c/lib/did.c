/* Tells what a line of the program returned. A call that fails is part of it. */
static void did(const char *line, int result)
{
	if (result < 0)
		printf("%-48s %s\n", line, strerror(-result));
	else
		printf("%-48s %d\n", line, result);
}
