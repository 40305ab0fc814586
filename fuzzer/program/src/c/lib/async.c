/* Lines that run beside the program, each in a thread. */
static pthread_t threads[256];
static unsigned int started;

static int go(void *(*line)(void *))
{
	int error = pthread_create(&threads[started], NULL, line, NULL);

	if (error)
		return -error;
	started++;
	pause_for(10);
	return 0;
}

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
