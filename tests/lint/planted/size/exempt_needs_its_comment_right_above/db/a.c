/* lint.size: the reason of another function. */
void
other(void)
{
	use(0);
}

void
wide(int a, int b, int c, int d, int e, int f, int g)
{
	use(a);
}
