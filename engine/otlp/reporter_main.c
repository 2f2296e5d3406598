/*
 * assent-reporter: the reporter's process as a program of its own, so that no
 * other role maps the network client.
 * Runs in: reporter.  Trusts: who started it, over the socket it was given.
 * Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "model/command.h"
#include "reporter_role.h"

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--role=reporter") == 0)
		return role_run(&reporter_role, NULL);
	(void)fputs(
	    "assent-reporter: started by assentd, not by hand\n", stderr);
	return EXIT_USAGE;
}
