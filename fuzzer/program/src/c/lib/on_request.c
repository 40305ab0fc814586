static int on_request(unsigned long what, int request)
{
	return ioctl(request, what) < 0 ? -errno : 0;
}
