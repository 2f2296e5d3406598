#ifndef TOOLS_SHELL_H
#define TOOLS_SHELL_H
/*
 * The program under its other name.
 *
 *     if (shell_is_name(argv[0])) return shell_run(argc, argv);
 */
#include <stdbool.h>

/* Was the program called by that name? */
bool shell_is_name(const char *called);
/* argv[1] on: -c SCRIPT [NAME [ARG...]]. The exit status. */
int shell_run(int argc, char **argv);

#endif
