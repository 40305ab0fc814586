static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("%s: %s (CONFIG_FAILSLAB, CONFIG_FAULT_INJECTION_DEBUG_FS, root)\n", path,
		       strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* This thread's own count of allocations until one fails; 0 for none. */
static __thread int fail_nth = -1;

static void fail_allocation(const char *nth)
{
	if (fail_nth < 0) {
		put("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
		put("/sys/kernel/debug/failslab/verbose", "0");
		fail_nth = open("/proc/thread-self/fail-nth", O_WRONLY | O_CLOEXEC);
	}
	if (pwrite(fail_nth, nth, strlen(nth), 0) < 0)
		printf("fail-nth: %s\n", strerror(errno));
}

/* The call is over: none fails any more. */
static int without_fault(int result)
{
	fail_allocation("0");
	return result;
}
