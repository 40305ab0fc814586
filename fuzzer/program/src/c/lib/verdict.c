static int verdict(void)
{
	if (failures)
		return 1;
	puts("ok");
	return 0;
}
