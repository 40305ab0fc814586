/* The pattern that a job of the double leaves. */
static uint64_t word(uint64_t job, uint64_t number)
{
	return job * UINT64_C(0x9e3779b97f4a7c15) ^ number * UINT64_C(0xbf58476d1ce4e5b9);
}

/* A fence that tells of success stands for a whole frame, whose stamp is the job's last store. */
static void must_be_stamped(const struct stamp *stamp, size_t size, uint64_t signalled,
			    const char *what)
{
	const uint64_t *words = (const uint64_t *)(stamp + 1);
	size_t most = (size - sizeof(*stamp)) / sizeof(*words), good = 0;

	if (stamp->magic != STAMP_MAGIC) {
		fail(what);
		return;
	}
	while (good < most && good < stamp->words && words[good] == word(stamp->job, good))
		good++;
	if (good < stamp->words)
		fail(what);
	else if (stamp->time_ns > signalled)
		fail(what);
}
