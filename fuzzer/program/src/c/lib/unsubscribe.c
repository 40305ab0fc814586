static int unsubscribe(int fd, unsigned int event)
{
	struct v4l2_event_subscription subscription = { .type = event };

	return call(fd, VIDIOC_UNSUBSCRIBE_EVENT, &subscription);
}
