void
wide(int a, int b, int c, int d, int e,
    int (*f)(int x, int y), int g)
{
	use(a);
}
