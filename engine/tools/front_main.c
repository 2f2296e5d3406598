/*
 * assent: the commands that agents wait for, in a program that loads little;
 * assent-cli has them all, and takes its place for every other.
 * Runs in: assent.  Trusts: the folder that it was started from.
 * Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/program.h"
#include "tools/commands.h"
#include "tools/shell.h"

#define WHOLE "assent-cli"

static int
become_whole(char **argv)
{
	struct err e = ERR_INIT;

	(void)program_become(WHOLE, argv, &e);
	(void)fprintf(stderr, "assent: %s\n", e.msg);
	return EXIT_INTERNAL;
}

int
main(int argc, char **argv)
{
	if (argc > 0 && shell_is_name(argv[0]))
		return shell_run(argc, argv);
	for (size_t i = 0; argc > 1 && i < command_count; i++) {
		if (strcmp(argv[1], commands[i]->name) == 0)
			return commands[i]->run(argc - 1, argv + 1);
	}
	return become_whole(argv);
}
