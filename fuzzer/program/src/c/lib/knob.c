/* The knobs of the test double (module/include/vb2_double.h). */
struct vb2_double_knob {
	__u32 id, reserved;
	__u64 value;
};
#define VB2_DOUBLE_S_KNOB _IOW('V', BASE_VIDIOC_PRIVATE + 0, struct vb2_double_knob)

static int set_knob(int fd, unsigned int id, unsigned long long value)
{
	struct vb2_double_knob knob = { .id = id, .value = value };

	return call(fd, VB2_DOUBLE_S_KNOB, &knob);
}
