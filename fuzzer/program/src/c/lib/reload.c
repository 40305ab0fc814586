static int reload(void)
{
	int result = unload();

	return result ? result : load();
}
