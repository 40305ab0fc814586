static uint64_t sum(const uint64_t *plane, size_t words)
{
	uint64_t sum = 0;

	while (words--)
		sum = (sum << 5 | sum >> 59) ^ *plane++;
	return sum;
}

/* Whether nobody writes to the plane any more. */
static void must_be_still(const uint64_t *plane, size_t size, const char *what)
{
	uint64_t before = sum(plane, size / sizeof(*plane));

	pause_for(100000);
	if (sum(plane, size / sizeof(*plane)) != before)
		fail(what);
}
