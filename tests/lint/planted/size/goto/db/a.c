void
x(void)
{
	/* goto is named here */
	goto out;
out:
	return;
}
