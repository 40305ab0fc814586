/* Whether a media device is the one that a video node belongs to. */
static int is_of(int media, const struct v4l2_capability *caps)
{
	struct media_device_info info = { .media_version = 0 };

	return !call(media, MEDIA_IOC_DEVICE_INFO, &info) &&
	       !strncmp(info.bus_info, (const char *)caps->bus_info, sizeof(info.bus_info));
}

/* Makes a request on the media device of a video node. */
static int new_request(int *slot, int video)
{
	struct v4l2_capability caps;
	int number, media, result = call(video, VIDIOC_QUERYCAP, &caps);
	char path[32];

	if (*slot >= 0)
		vacate(slot);
	for (number = 0; !result && number < 64; number++) {
		snprintf(path, sizeof(path), "/dev/media%d", number);
		media = open(path, O_RDWR | O_CLOEXEC);
		if (media < 0)
			continue;
		if (is_of(media, &caps)) {
			result = call(media, MEDIA_IOC_REQUEST_ALLOC, slot);
			close(media);
			return result;
		}
		close(media);
	}
	return result ? result : -ENODEV;
}
