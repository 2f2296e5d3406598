static int
run(void)
{
	return fork();
}
