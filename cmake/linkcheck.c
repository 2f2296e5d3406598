/* Linked with one whole module and only what it declares: see assent_module. */
int
main(void)
{
	return 0;
}
