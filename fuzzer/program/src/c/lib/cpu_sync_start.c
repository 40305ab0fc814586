#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void wake(int signal)
{
	(void)signal;
}

/* The start waits for fences. One that never signals must not hold this up for ever: a signal ends the wait after 10 s. */
static int cpu_sync_start(int dmabuf, unsigned long long access)
{
	struct itimerspec limit = { .it_value.tv_sec = 10 };
	struct sigaction action = { .sa_handler = wake };
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGALRM,
	};
	timer_t timer;
	int result;

	event.sigev_notify_thread_id = syscall(SYS_gettid);
	sigaction(SIGALRM, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		return -errno;
	timer_settime(timer, 0, &limit, NULL);
	result = cpu_sync(dmabuf, access | DMA_BUF_SYNC_START);
	timer_delete(timer);
	return result;
}
