/*
 * Check the places that an agent claims to work in.
 * Runs in: engine.  Trusts: the kernel and /etc/passwd.  Owns: nothing.
 */
#include "whereabouts.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWD_FILE "/etc/passwd"
#define GROUP_FILE "/etc/group"
#define WHY_MAX 64
#define GROUP_BYTES ((size_t)64 << 10) /* of one line: all its members */

static void
file_closep(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

int
whereabouts_home(uid_t uid, struct arena *a, char **ret, struct err *e)
{
	AUTO(file_closep) FILE *f = fopen(PASSWD_FILE, "re");
	char line[4096];
	struct passwd entry, *found;

	if (f == NULL)
		return err_sys(e, "cannot open '%s'", PASSWD_FILE);
	while (fgetpwent_r(f, &entry, line, sizeof(line), &found) == 0) {
		if (entry.pw_uid != uid)
			continue;
		*ret = arena_strdup(a, entry.pw_dir);
		return *ret == NULL ? err_nomem(e) : ERR_OK;
	}
	return err_set(
	    e, ERR_NOTFOUND, "uid %u is not in %s", (unsigned)uid, PASSWD_FILE);
}

/* The name and the first group of uid; ERR_NOTFOUND: there is none. */
static int
find_account(uid_t uid, char *name, size_t size, gid_t *ret, struct err *e)
{
	AUTO(file_closep) FILE *f = fopen(PASSWD_FILE, "re");
	char line[4096];
	struct passwd entry, *found;

	if (f == NULL)
		return err_sys(e, "cannot open '%s'", PASSWD_FILE);
	while (fgetpwent_r(f, &entry, line, sizeof(line), &found) == 0) {
		if (entry.pw_uid != uid)
			continue;
		(void)snprintf(name, size, "%s", entry.pw_name);
		*ret = entry.pw_gid;
		return ERR_OK;
	}
	return err_set(
	    e, ERR_NOTFOUND, "uid %u is not in %s", (unsigned)uid, PASSWD_FILE);
}

static bool
is_listed(char *const *members, const char *name)
{
	for (; members != NULL && *members != NULL; members++) {
		if (strcmp(*members, name) == 0)
			return true;
	}
	return false;
}

int
whereabouts_in_group(uid_t uid, const char *group, bool *ret, struct err *e)
{
	AUTO(file_closep) FILE *f = fopen(GROUP_FILE, "re");
	AUTO_FREE char *line = mem_new(1, GROUP_BYTES);
	char name[256] = "";
	gid_t first = 0;
	struct group entry, *found;
	const bool known =
	    find_account(uid, name, sizeof(name), &first, NULL) == 0;

	if (line == NULL)
		return err_nomem(e);
	if (f == NULL)
		return err_sys(e, "cannot open '%s'", GROUP_FILE);
	while (fgetgrent_r(f, &entry, line, GROUP_BYTES, &found) == 0) {
		if (strcmp(entry.gr_name, group) != 0)
			continue;
		*ret = known &&
		    (entry.gr_gid == first || is_listed(entry.gr_mem, name));
		return ERR_OK;
	}
	return err_set(e, ERR_NOTFOUND, "there is no group '%.64s' in %s",
	    group, GROUP_FILE);
}

/* Whole trees in which nobody keeps a project. */
static const char *const system_trees[] = {
	"/bin",
	"/boot",
	"/dev",
	"/etc",
	"/lib",
	"/lib32",
	"/lib64",
	"/libx32",
	"/proc",
	"/run",
	"/sbin",
	"/sys",
	"/usr",
	"/var/lib",
	"/var/log",
	"/var/run",
	"/var/cache",
	"/var/spool",
	"/lost+found",
};

/* Places that hold projects but are none themselves. */
static const char *const shared_places[] = {
	"/",
	"/home",
	"/media",
	"/mnt",
	"/opt",
	"/srv",
	"/tmp",
	"/var",
	"/var/tmp",
	"/dev/shm",
};

/* Names that hold secrets wherever they are. */
static const char *const secret_names[] = {
	".ssh",
	".gnupg",
	".aws",
	".azure",
	".kube",
	".docker",
	".password-store",
	".mozilla",
	".thunderbird",
	".codex",
	".claude",
	".gemini",
	"keyrings",
	".git",
	".assent",
};

static bool
is_below(const char *path, const char *tree)
{
	const size_t n = strlen(tree);

	return strncmp(path, tree, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

static bool
has_component(const char *path, const char *name)
{
	struct str rest = str_of(path);

	while (rest.len > 0) {
		if (str_eqz(str_cut(&rest, '/'), name))
			return true;
	}
	return false;
}

/* The first name below the home begins with a dot: settings, tools, state. */
static bool
is_settings(const char *path, const char *home)
{
	const size_t n = home == NULL ? 0 : strlen(home);

	return n > 1 && is_below(path, home) && path[n] == '/' &&
	    path[n + 1] == '.';
}

/* why completes the sentence: "is a system directory". */
static int
refuse_place(const char *path, const char *why, struct err *e)
{
	return err_set(e, ERR_INVALID,
	    "workspace '%s' %s; name the project's own directory", path, why);
}

static int
check_place(const char *path, const char *home, struct err *e)
{
	char why[WHY_MAX];

	if (str_is_one_of(
		str_of(path), shared_places, ARRAY_LEN(shared_places)))
		return refuse_place(
		    path, "is shared by everything on this machine", e);
	for (size_t i = 0; i < ARRAY_LEN(system_trees); i++) {
		if (is_below(path, system_trees[i]))
			return refuse_place(path, "is a system directory", e);
	}
	for (size_t i = 0; i < ARRAY_LEN(secret_names); i++) {
		if (!has_component(path, secret_names[i]))
			continue;
		(void)snprintf(why, sizeof(why),
		    "lies in a place for secrets (%s)", secret_names[i]);
		return refuse_place(path, why, e);
	}
	if (is_settings(path, home))
		return refuse_place(
		    path, "lies among the settings of the home directory", e);
	if (home != NULL && is_below(home, path))
		return refuse_place(path, "is or holds the home directory", e);
	return ERR_OK;
}

/* By owner, group and mode; ACLs are left to the kernel at run time. */
static bool
peer_may_write(const struct stat *st, const struct proposer *p)
{
	if (p->uid == 0)
		return true;
	if (st->st_uid == p->uid)
		return (st->st_mode & S_IWUSR) != 0;
	if (st->st_gid == p->gid)
		return (st->st_mode & S_IWGRP) != 0;
	return (st->st_mode & S_IWOTH) != 0;
}

static int
resolve_dir(const char *what, const char *path, struct arena *arena, char **ret,
    struct stat *st, struct err *e)
{
	AUTO_FREE char *real = NULL;

	if (path == NULL)
		return err_set(e, ERR_INVALID,
		    "'%s' is missing; name a "
		    "directory by its absolute path",
		    what);
	if (path[0] != '/')
		return err_set(
		    e, ERR_INVALID, "'%s' must be an absolute path", what);
	real = realpath(path, NULL);
	if (real == NULL || stat(real, st) != 0)
		return err_set(e, ERR_INVALID, "%s '%s': %s", what, path,
		    errno == ENOENT ? "no such directory"
				    : "cannot be resolved");
	if (!S_ISDIR(st->st_mode))
		return err_set(
		    e, ERR_INVALID, "%s '%s' is not a directory", what, path);
	*ret = arena_strdup(arena, real);
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

int
whereabouts_check(struct action *a, struct err *e)
{
	AUTO_FREE char *home =
	    a->proposer.home == NULL ? NULL : realpath(a->proposer.home, NULL);
	char *workspace = NULL, *cwd = NULL;
	struct stat st;
	int r;

	r = resolve_dir(
	    "workspace", a->proposal.workspace, a->arena, &workspace, &st, e);
	if (r != 0)
		return r;
	r = check_place(workspace, home != NULL ? home : a->proposer.home, e);
	if (r != 0)
		return r;
	if (!peer_may_write(&st, &a->proposer))
		return err_set(e, ERR_DENIED,
		    "workspace '%s' is not writable by uid %u", workspace,
		    (unsigned)a->proposer.uid);
	r = resolve_dir("cwd",
	    a->proposal.cwd != NULL ? a->proposal.cwd : workspace, a->arena,
	    &cwd, &st, e);
	if (r != 0)
		return r;
	a->proposal.workspace = workspace;
	a->proposal.cwd = cwd;
	return ERR_OK;
}

int
whereabouts_not_own(const struct action *a, const char *const *own,
    size_t own_count, struct err *e)
{
	const char *const places[] = {
		a->proposal.workspace,
		a->proposal.cwd,
	};

	for (size_t i = 0; i < own_count; i++) {
		if (places[0] != NULL && is_below(own[i], places[0]))
			return err_set(e, ERR_DENIED,
			    "workspace '%s' holds a folder of assent itself",
			    places[0]);
		for (size_t k = 0; k < ARRAY_LEN(places); k++) {
			if (places[k] != NULL && is_below(places[k], own[i]))
				return err_set(e, ERR_DENIED,
				    "'%s' lies in a folder of assent itself",
				    places[k]);
		}
	}
	return ERR_OK;
}
