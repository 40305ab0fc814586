static int go(void *(*line)(void *))
{
	int error = pthread_create(&threads[started], NULL, line, NULL);

	if (error)
		return -error;
	started++;
	pause_for(10);
	return 0;
}
