/* The last store of each job of the test double: a stamp at the start of the plane. */
struct stamp {
	uint64_t magic, job, time_ns, words;
};
#define STAMP_MAGIC UINT64_C(0x32627663656e6566)
