/* Where the module is and how it is loaded; cc -DMODULE='"…"' for another place. */
#ifndef MODULE
#define MODULE "/modules/vb2_double.ko"
#endif
#ifndef PARAMETERS
#define PARAMETERS "attach=@ATTACH@"
#endif

static int load(void)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC), result = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, PARAMETERS, 0) < 0)
		result = -errno;
	close(fd);
	return result;
}
