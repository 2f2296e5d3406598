/*
 * Where a client's session belongs.
 * Runs in: assent, started by the client.  Trusts: nothing; the daemon checks
 * the folder.  Owns: paths.
 */
#include "hook_places.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/program.h"

#define PARENTS_MAX 64

static bool
is_there(const char *folder, const char *name, struct stat *ret)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_MAX);

	buf_printf(&path, "%s/%s", folder, name);
	return buf_done(&path, NULL) == 0 && lstat(path.s, ret) == 0;
}

/* The sandboxes of some clients leave an empty .git where they keep one from
 * being made, also in /tmp. */
static bool
is_repository(const char *folder)
{
	struct stat st;

	return is_there(folder, ".git", &st) &&
	    (!S_ISDIR(st.st_mode) || is_there(folder, ".git/HEAD", &st));
}

char *
hook_places_project(const char *folder)
{
	AUTO_FREE char *real = realpath(folder, NULL);
	AUTO_FREE char *at = NULL;

	if (real == NULL)
		return strdup(folder);
	at = strdup(real);
	for (int i = 0; at != NULL && i < PARENTS_MAX; i++) {
		char *slash = strrchr(at, '/');

		if (is_repository(at))
			return TAKE_PTR(at);
		if (slash == NULL || slash == at)
			break;
		*slash = '\0';
	}
	return TAKE_PTR(real);
}

static int
set_runner(struct hook *h, struct err *e)
{
	char path[PROGRAM_PATH_MAX];
	const int r = program_beside("assent", path, e);

	return r != 0 ? r : hook_set_runner(h, path, e);
}

int
hook_places_find(struct hook *h, bool contain, struct err *e)
{
	const char *cwd = hook_cwd(h);
	AUTO_FREE char *project = NULL;
	int r = ERR_OK;

	if (cwd != NULL && !hook_has_workspace(h)) {
		project = hook_places_project(cwd);
		if (project == NULL)
			return err_nomem(e);
		r = hook_set_workspace(h, project, e);
	}
	return r == 0 && contain ? set_runner(h, e) : r;
}
