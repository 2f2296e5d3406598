/*
 * assent-reviewer: the reviewer's process as a program of its own, so that no
 * other role maps the network client.
 * Runs in: reviewer.  Trusts: who started it, over the socket it was given.
 * Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "model/command.h"
#include "reviewer_role.h"

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--role=reviewer") == 0)
		return role_run(&reviewer_role, NULL);
	(void)fputs("assent-reviewer: started by assentd and by assent review, "
		    "not by hand\n",
	    stderr);
	return EXIT_USAGE;
}
