static void drop(int *name)
{
	if (*name >= 0)
		vacate(name);
}
