/*
 * Linked with one whole module and only what it declares: see assent_module.
 * Runs in: nothing; it only has to link.  Trusts: nothing.  Owns: nothing.
 */
int
main(void)
{
	return 0;
}
