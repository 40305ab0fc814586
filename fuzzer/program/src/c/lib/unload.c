static int unload(void)
{
	return syscall(SYS_delete_module, "vb2_double", O_NONBLOCK) < 0 ? -errno : 0;
}
