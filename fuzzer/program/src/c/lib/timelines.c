/* linux/sw_sync.h is no header of user space's. */
struct sw_sync_create_fence_data {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC _IOW('W', 1, uint32_t)

/* The software timeline of each sync_file; 0 for none. Its end ends its fence, so it stays until the program is over. */
static int timelines[32];
