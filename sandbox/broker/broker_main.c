/*
 * assent-broker: the broker's process as a program of its own, so that no
 * other role maps libssl.
 * Runs in: assent-broker.  Trusts: who started it, over the socket it was
 * given.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "broker_role.h"
#include "model/command.h"

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--role=broker") == 0)
		return role_run(&broker_role, NULL);
	(void)fputs("assent-broker: started by assentd, not by hand\n", stderr);
	return EXIT_USAGE;
}
