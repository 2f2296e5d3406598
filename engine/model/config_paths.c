/*
 * Where things are: home, XDG folders for a user, fixed ones for root; and
 * files that only their owner could have written.
 * Runs in: supervisor, tools.  Trusts: the kernel and the password file; an
 * environment variable only for the caller's own folders.  Owns: nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "config_int.h"
#include "model/requirements.h"

#define PASSWD_BYTES_MAX ((size_t)1 << 16)

char *
config_join(struct arena *a, const char *dir, const char *rest)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);

	buf_printf(&path, "%s/%s", dir, rest);
	if (path.failed != 0)
		return NULL;
	return arena_strdup(a, buf_cstr(&path));
}

static bool
is_own_dir(const char *path)
{
	struct stat st;

	return path != NULL && path[0] == '/' && stat(path, &st) == 0 &&
	    S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* $HOME when it is ours, else what the password file says. */
int
config_find_home(struct arena *a, const char **ret, struct err *e)
{
	const char *home = secure_getenv("HOME");
	AUTO_FREE char *bytes = NULL;
	struct passwd entry, *found = NULL;

	if (!is_own_dir(home)) {
		bytes = mem_new(PASSWD_BYTES_MAX, 1);
		if (bytes == NULL)
			return err_nomem(e);
		(void)getpwuid_r(
		    geteuid(), &entry, bytes, PASSWD_BYTES_MAX, &found);
		home = found == NULL ? NULL : found->pw_dir;
	}
	*ret = home == NULL ? NULL : arena_strdup(a, home);
	if (arena_failed(a))
		return err_nomem(e);
	return ERR_OK;
}

/* $VARIABLE/assent, or ~/FALLBACK/assent. */
static int
xdg_dir(struct arena *a, const char *variable, const char *home,
    const char *fallback, const char **ret, struct err *e)
{
	const char *base = secure_getenv(variable);

	if (base == NULL || base[0] != '/') {
		if (home == NULL || fallback == NULL)
			return err_set(e, ERR_NOTFOUND,
			    "neither %s nor a home tells where to look; name "
			    "the folder",
			    variable);
		base = config_join(a, home, fallback);
	}
	*ret = base == NULL ? NULL : config_join(a, base, "assent");
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

/* Without XDG_RUNTIME_DIR: a folder of one's own in /tmp. It may be refused
 * later, when somebody else has made it. */
static int
user_runtime_dir(struct arena *a, const char **ret, struct err *e)
{
	char path[64];

	if (secure_getenv("XDG_RUNTIME_DIR") != NULL)
		return xdg_dir(a, "XDG_RUNTIME_DIR", NULL, NULL, ret, e);
	(void)snprintf(
	    path, sizeof(path), "/tmp/assent-%u", (unsigned)geteuid());
	*ret = arena_strdup(a, path);
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

static int
given_dir(const char *given, struct arena *a, const char **ret, struct err *e)
{
	AUTO_FREE char *here = NULL;

	if (given[0] == '/') {
		*ret = arena_strdup(a, given);
	} else {
		here = getcwd(NULL, 0);
		if (here == NULL)
			return err_sys(e, "cannot tell the current folder");
		*ret = config_join(a, here, given);
	}
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

int
config_runtime_dir(
    const char *given, struct arena *a, const char **ret, struct err *e)
{
	if (given != NULL)
		return given_dir(given, a, ret, e);
	if (geteuid() != 0)
		return user_runtime_dir(a, ret, e);
	*ret = "/run/assent";
	return ERR_OK;
}

static int
state_dir_of(const char *given, const char *home, struct arena *a,
    const char **ret, struct err *e)
{
	if (given != NULL)
		return given_dir(given, a, ret, e);
	if (geteuid() != 0)
		return xdg_dir(
		    a, "XDG_STATE_HOME", home, ".local/state", ret, e);
	*ret = "/var/lib/assent";
	return ERR_OK;
}

int
config_state_dir(
    const char *given, struct arena *a, const char **ret, struct err *e)
{
	const char *home = NULL;
	const int r = config_find_home(a, &home, e);

	return r == 0 ? state_dir_of(given, home, a, ret, e) : r;
}

enum rule_dir_kind {
	RULES_OF_USER = 1,
	RULES_BY_DEFAULT = 2,
	RULES_REQUIRED = 4,
};

static int
add_rule_dir(struct config *c, const char *path, unsigned kind, struct err *e)
{
	struct config_rule_dir *d = &c->rule_dirs[c->rule_dir_count];
	const int r = given_dir(path, c->arena, &d->path, e);

	if (r != 0)
		return r;
	d->user = (kind & RULES_OF_USER) != 0;
	d->requirements = (kind & RULES_REQUIRED) != 0;
	d->optional = (kind & RULES_BY_DEFAULT) != 0;
	d->missing = d->optional && access(d->path, F_OK) != 0;
	c->rule_dir_count++;
	return ERR_OK;
}

/* Also a folder below one of the list. */
static bool
is_permitted_dir(const struct config_requirement *q, const char *path)
{
	for (size_t i = 0; q != NULL && i < q->values.count; i++) {
		const size_t len = strlen(q->values.items[i]);

		if (strncmp(path, q->values.items[i], len) == 0 &&
		    (path[len] == '\0' || path[len] == '/'))
			return true;
	}
	return q == NULL;
}

/* One that the command line names: an error where it is not permitted. */
static int
add_given_dir(struct config *c, const char *path, struct err *e)
{
	const struct config_requirement *q = requirement_find(
	    &c->ceiling, "rules.directories", REQUIREMENT_ALLOWED);
	AUTO_BUF struct buf why = BUF_INIT(ERR_MSG_MAX);
	const int r = add_rule_dir(c, path, 0, e);

	if (r != 0)
		return r;
	path = c->rule_dirs[c->rule_dir_count - 1].path;
	if (is_permitted_dir(q, path))
		return ERR_OK;
	requirement_put(q, &why);
	return err_set(e, ERR_DENIED, "'%s' cannot be a folder of rules: %s",
	    path, buf_cstr(&why));
}

static int
add_forced_dirs(struct config *c, struct err *e)
{
	const struct config_requirement *q = requirement_find(
	    &c->ceiling, "rules.directories", REQUIREMENT_FORCED);
	int r = ERR_OK;

	for (size_t i = 0; q != NULL && r == 0 && i < q->values.count; i++)
		r = add_rule_dir(c, q->values.items[i], 0, e);
	return r;
}

/* Left out where it is not permitted: nobody named it. */
static int
add_user_dir(struct config *c, struct err *e)
{
	const struct config_requirement *q = requirement_find(
	    &c->ceiling, "rules.directories", REQUIREMENT_ALLOWED);
	const char *own = NULL;

	if (xdg_dir(c->arena, "XDG_CONFIG_HOME", c->home, ".config", &own,
		NULL) != 0)
		return ERR_OK;
	own = config_join(c->arena, own, "rules");
	if (own == NULL)
		return err_nomem(e);
	return is_permitted_dir(q, own)
	    ? add_rule_dir(c, own, RULES_OF_USER | RULES_BY_DEFAULT, e)
	    : ERR_OK;
}

/* The organisation's are always read; --rules adds more of them, and takes
 * the place of the user's own. */
static int
set_rule_dirs(struct config *c, const struct config_sources *s, struct err *e)
{
	const struct config_requirement *forced = requirement_find(
	    &c->ceiling, "rules.directories", REQUIREMENT_FORCED);
	const size_t more = forced == NULL ? 0 : forced->values.count;
	int r;

	c->rule_dirs = arena_array(
	    c->arena, s->rule_dir_count + more + 3, sizeof(*c->rule_dirs));
	if (c->rule_dirs == NULL)
		return err_nomem(e);
	r = add_rule_dir(c, "/etc/assent/requirements.d",
	    RULES_REQUIRED | RULES_BY_DEFAULT, e);
	if (r == 0)
		r = add_rule_dir(c, "/etc/assent/rules.d", RULES_BY_DEFAULT, e);
	if (r == 0)
		r = add_forced_dirs(c, e);
	for (size_t i = 0; r == 0 && i < s->rule_dir_count; i++)
		r = add_given_dir(c, s->rule_dirs[i], e);
	if (r != 0 || s->rule_dir_count > 0 || geteuid() == 0)
		return r;
	return add_user_dir(c, e);
}

int
config_set_dirs(struct config *c, const struct config_sources *s, struct err *e)
{
	int r = state_dir_of(s->state_dir, c->home, c->arena, &c->state_dir, e);

	if (r == 0)
		r = config_runtime_dir(
		    s->runtime_dir, c->arena, &c->runtime_dir, e);
	if (r == 0)
		r = set_rule_dirs(c, s, e);
	return r;
}

static int
default_file(struct arena *a, const char *home, const char *name,
    bool system_only, const char **ret, struct err *e)
{
	const char *dir = "/etc/assent";

	if (!system_only && geteuid() != 0 &&
	    xdg_dir(a, "XDG_CONFIG_HOME", home, ".config", &dir, NULL) != 0) {
		*ret = NULL;
		return ERR_OK;
	}
	*ret = config_join(a, dir, name);
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

int
config_default_file(struct config *c, const char *name, bool system_only,
    const char **ret, struct err *e)
{
	return default_file(c->arena, c->home, name, system_only, ret, e);
}

int
config_passphrases_path(struct arena *a, const char **ret, struct err *e)
{
	const char *home = NULL;
	const int r = config_find_home(a, &home, e);

	return r != 0
	    ? r
	    : default_file(a, home, CONFIG_PASSPHRASES, false, ret, e);
}

static int
check_owner(int fd, const char *path, enum config_owner owner, struct err *e)
{
	const bool secret = owner == OWNER_SECRET;
	const mode_t others =
	    secret ? S_IRWXG | S_IRWXO : (mode_t)(S_IWGRP | S_IWOTH);
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(
		    e, ERR_INVALID, "'%s' is not a regular file", path);
	if (owner == OWNER_ROOT && st.st_uid != 0)
		return err_set(e, ERR_DENIED,
		    "'%s' belongs to user %u; it must be root's", path,
		    (unsigned)st.st_uid);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(e, ERR_DENIED,
		    "'%s' belongs to user %u; it must be yours or root's", path,
		    (unsigned)st.st_uid);
	if ((st.st_mode & others) != 0)
		return err_set(e, ERR_DENIED,
		    "'%s' can be %s by others; run chmod %s on it", path,
		    secret ? "read" : "written", secret ? "600" : "go-w");
	return ERR_OK;
}

static int
open_owned(const char *path, enum config_owner owner, int *ret, struct err *e)
{
	AUTO_FD int fd =
	    open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, ERR_NOTFOUND, "there is no '%s'", path);
	if (fd < 0 && errno == EACCES)
		return err_set(e, ERR_DENIED,
		    "this user may not read '%s'; what it says cannot be held "
		    "to",
		    path);
	if (fd < 0)
		return err_sys(e, "cannot open '%s'", path);
	r = check_owner(fd, path, owner, e);
	if (r != 0)
		return r;
	*ret = TAKE_FD(fd);
	return ERR_OK;
}

int
config_open_owned(const char *path, bool secret, int *ret, struct err *e)
{
	return open_owned(path, secret ? OWNER_SECRET : OWNER_EITHER, ret, e);
}

int
config_read_owned(const char *path, enum config_owner owner, struct arena *a,
    struct str *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(CONFIG_BYTES_MAX);
	AUTO_FD int fd = -1;
	char *copy;
	int r;

	r = open_owned(path, owner, &fd, e);
	if (r != 0)
		return r;
	r = fdio_read_all(fd, &text, e);
	if (r != 0)
		return err_wrap(e, r, "cannot read '%s'", path);
	copy = arena_strndup(a, buf_cstr(&text), text.len);
	if (owner == OWNER_SECRET && text.s != NULL)
		explicit_bzero(text.s, text.len);
	if (copy == NULL)
		return err_nomem(e);
	*ret = str_n(copy, text.len);
	return ERR_OK;
}
