#ifndef VIDIOC_REMOVE_BUFS
struct v4l2_remove_buffers {
	__u32 index, count, type, reserved[13];
};
#define VIDIOC_REMOVE_BUFS _IOWR('V', 104, struct v4l2_remove_buffers)
#endif

static int remove_bufs(int fd, unsigned int type, unsigned int index, unsigned int count)
{
	struct v4l2_remove_buffers remove = {
		.index = index,
		.count = count,
		.type = type,
	};

	return call(fd, VIDIOC_REMOVE_BUFS, &remove);
}
