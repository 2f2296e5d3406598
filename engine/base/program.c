/*
 * Find a program of ours beside the one that runs, and become it.
 * Runs in: any program.  Trusts: the folder that we were started from.
 * Owns: nothing.
 */
#include "program.h"

#include <string.h>
#include <unistd.h>

int
program_beside(
    const char *name, char ret[static PROGRAM_PATH_MAX], struct err *e)
{
	const ssize_t n = readlink("/proc/self/exe", ret, PROGRAM_PATH_MAX - 1);
	const size_t len = strlen(name);
	char *slash;

	if (n <= 0)
		return err_sys(e, "cannot tell where this program is");
	ret[n] = '\0';
	slash = strrchr(ret, '/');
	if (slash == NULL ||
	    (size_t)(slash + 1 - ret) + len >= PROGRAM_PATH_MAX)
		return err_set(e, ERR_LIMIT,
		    "the path of the folder with '%s' is too long", name);
	memcpy(slash + 1, name, len + 1);
	return ERR_OK;
}

int
program_become(const char *name, char *const *argv, struct err *e)
{
	char path[PROGRAM_PATH_MAX];
	const int r = program_beside(name, path, e);

	if (r != 0)
		return r;
	(void)execve(path, argv, environ);
	return err_sys(e, "cannot start '%s'", path);
}
