/* Waits for them, for 10 s at most. */
static int join(void)
{
	struct timespec limit;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 10;
	while (started && !error) {
		error = pthread_timedjoin_np(threads[started - 1], NULL, &limit);
		if (!error)
			started--;
	}
	return -error;
}
