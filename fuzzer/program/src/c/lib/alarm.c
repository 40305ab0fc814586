#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void wake(int signal)
{
	(void)signal;
}

/* What waits for ever must not hold this up: a signal ends the wait after 10 s. */
static int set_alarm(timer_t *timer)
{
	struct itimerspec limit = { .it_value.tv_sec = 10 };
	struct sigaction action = { .sa_handler = wake };
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGALRM,
	};

	event.sigev_notify_thread_id = syscall(SYS_gettid);
	sigaction(SIGALRM, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, timer) < 0)
		return -errno;
	timer_settime(*timer, 0, &limit, NULL);
	return 0;
}
