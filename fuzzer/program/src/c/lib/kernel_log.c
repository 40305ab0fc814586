/* The kernel's log, from when this program starts. Reading it takes root. */
static int kernel_log = -1;

static void listen_to_kernel(void)
{
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log < 0)
		cannot_tell("/dev/kmsg", -errno);
	lseek(kernel_log, 0, SEEK_END);
}

/* Whether a line begins a report of the kernel about itself. */
static int is_complaint(const char *line)
{
	static const char *const signs[] = {
		"BUG: ",	"WARNING: ",	"kernel BUG at ", "INFO: task ", "Oops",
		"refcount_t: ", "driver bug: ", "UBSAN: ",	  "KCSAN: ",
	};
	size_t index;

	for (index = 0; index < sizeof(signs) / sizeof(*signs); index++)
		if (strstr(line, signs[index]))
			return 1;
	return 0;
}

static void kernel_must_be_silent(void)
{
	char record[8192];
	ssize_t length;

	for (;;) {
		length = read(kernel_log, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			return;
		record[length] = 0;
		if (is_complaint(record)) {
			const char *line = strchr(record, ';');

			record[strcspn(record, "\n")] = 0;
			fail(line ? line + 1 : record);
		}
	}
}
