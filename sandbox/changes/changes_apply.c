/*
 * Put changes into the workspace: nothing is overwritten that is not what the
 * run has seen.
 * Runs in: assent-exec, on the host's side, with the caller's rights.
 * Trusts: nothing in the layer; nothing in the workspace.  Owns: nothing.
 */
#include "changes/changes_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"

#define CHUNK ((size_t)64 << 10)
#define NAMED_MAX 5 /* in a message */
#define TEMPORARY ".assent-apply-"

struct apply {
	struct changes *c;
	const char *const *paths;
	size_t path_count;
	struct stat top; /* of the workspace: whose files are made */
	unsigned made; /* temporary names */
	size_t applied;
};

static bool
is_chosen(const struct apply *y, const struct change *n)
{
	if (y->paths == NULL)
		return true;
	for (size_t i = 0; i < y->path_count; i++) {
		const size_t len = strlen(y->paths[i]);

		if (strncmp(n->path, y->paths[i], len) == 0 &&
		    (n->path[len] == '\0' || n->path[len] == '/'))
			return true;
		/* A folder that what was chosen lies in. */
		if (n->kind == CHANGE_ADDED && S_ISDIR(n->mode) &&
		    strncmp(y->paths[i], n->path, strlen(n->path)) == 0 &&
		    y->paths[i][strlen(n->path)] == '/')
			return true;
	}
	return false;
}

static const char *
problem_of(const struct apply *y, const struct change *n)
{
	AUTO_FD int fd = changes_open(y->c->workspace, n->path, O_PATH);
	struct stat now;
	const bool there = fd >= 0 && fstat(fd, &now) == 0;

	if (n->problem != NULL)
		return n->problem;
	if (y->paths != NULL && n->only_with_all)
		return "it is part of a repository, which is applied as a "
		       "whole";
	if (n->was_there && (!there || !changes_same(&now, &n->base)))
		return "it changed in the workspace meanwhile";
	return NULL;
}

/* Another change of the same path takes it away first. */
static bool
is_replaced(const struct apply *y, size_t i)
{
	return i > 0 && y->c->at[i - 1].kind == CHANGE_DELETED &&
	    strcmp(y->c->at[i - 1].path, y->c->at[i].path) == 0;
}

/* In a folder that is new or takes a link's place nothing can be. */
static bool
lies_in_new_folder(const struct apply *y, const char *path)
{
	for (size_t i = 0; i < y->c->count; i++) {
		const struct change *n = &y->c->at[i];
		const size_t len = strlen(n->path);

		if (n->kind == CHANGE_ADDED && S_ISDIR(n->mode) &&
		    strncmp(path, n->path, len) == 0 && path[len] == '/')
			return true;
	}
	return false;
}

static bool
has_appeared(const struct apply *y, size_t i)
{
	AUTO_FD int fd =
	    changes_open(y->c->workspace, y->c->at[i].path, O_PATH);

	return y->c->at[i].kind == CHANGE_ADDED && !is_replaced(y, i) &&
	    !lies_in_new_folder(y, y->c->at[i].path) &&
	    (fd >= 0 || (errno != ENOENT && errno != ENOTDIR));
}

static int
check(const struct apply *y, struct err *e)
{
	AUTO_BUF struct buf names = BUF_INIT(ERR_MSG_MAX);
	size_t bad = 0, chosen = 0;

	for (size_t i = 0; i < y->c->count; i++) {
		const struct change *n = &y->c->at[i];
		const char *problem;

		if (!is_chosen(y, n))
			continue;
		chosen++;
		problem = problem_of(y, n);
		if (problem == NULL && has_appeared(y, i))
			problem = "something is there now";
		if (problem == NULL)
			continue;
		if (++bad <= NAMED_MAX)
			buf_printf(&names, "%s'%.64s': %s", bad > 1 ? "; " : "",
			    n->path, problem);
	}
	if (bad > 0)
		return err_set(e, ERR_CONFLICT,
		    "nothing was applied, because %zu change%s cannot be: %s%s",
		    bad, bad == 1 ? "" : "s", buf_cstr(&names),
		    bad > NAMED_MAX ? "; ..." : "");
	return chosen > 0 || y->paths == NULL
	    ? ERR_OK
	    : err_set(e, ERR_NOTFOUND, "nothing was changed there");
}

static void
temporary(struct apply *y, char name[static 64])
{
	(void)snprintf(name, 64, TEMPORARY "%d-%u", (int)getpid(), ++y->made);
}

/* Whose folder it is, his files are; those that are made with his rights are
 * already. */
static bool
gives(const struct apply *y)
{
	return geteuid() == 0 && y->c->plan->who.owner == 0;
}

static int
give(const struct apply *y, int fd)
{
	return gives(y) ? fchown(fd, y->top.st_uid, y->top.st_gid) : 0;
}

static int
copy(int from, int to, struct err *e)
{
	AUTO_FREE char *chunk = mem_new(1, CHUNK);
	ssize_t n = -1;
	int r = chunk == NULL ? err_nomem(e) : ERR_OK;

	while (r == 0 && (n = read(from, chunk, CHUNK)) > 0)
		r = fdio_write_all(to, chunk, (size_t)n, e);
	return r == 0 && n < 0 ? err_sys(e, "cannot read it") : r;
}

static int
write_file(struct apply *y, const struct change *n, int parent,
    const char *name, struct err *e)
{
	AUTO_FD int from = changes_open(y->c->layer, n->path, O_RDONLY);
	AUTO_FD int to = -1;
	int r;

	if (from < 0)
		return err_sys(e, "cannot read what the run wrote");
	to = openat(parent, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return err_sys(e, "cannot write there");
	r = copy(from, to, e);
	/* No set-id bit comes out of a run. */
	if (r == 0 && (give(y, to) != 0 || fchmod(to, n->mode & 0777) != 0))
		r = err_sys(e, "cannot set its owner and mode");
	return r;
}

static int
make(struct apply *y, const struct change *n, int parent, const char *name,
    struct err *e)
{
	if (S_ISREG(n->mode))
		return write_file(y, n, parent, name, e);
	if (symlinkat(n->link, parent, name) != 0)
		return err_sys(e, "cannot make the link");
	if (gives(y) &&
	    fchownat(parent, name, y->top.st_uid, y->top.st_gid,
		AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys(e, "cannot set the owner of the link");
	return ERR_OK;
}

static bool
is_base(int parent, const char *name, const struct change *n)
{
	struct stat now;

	return fstatat(parent, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    changes_same(&now, &n->base);
}

/* The old thing is looked at when it is out of the way: what is thrown away
 * is what the run has seen. */
static int
exchange(const struct change *n, int parent, const char *name,
    const char *fresh, struct err *e)
{
	if (renameat2(parent, fresh, parent, name, RENAME_EXCHANGE) != 0)
		return err_sys(e, "cannot put it in its place");
	if (is_base(parent, fresh, n)) {
		(void)unlinkat(parent, fresh, 0);
		return ERR_OK;
	}
	(void)renameat2(parent, fresh, parent, name, RENAME_EXCHANGE);
	return err_set(
	    e, ERR_CONFLICT, "it changed in the workspace meanwhile");
}

static int
put(struct apply *y, const struct change *n, int parent, const char *name,
    struct err *e)
{
	char fresh[64];
	int r;

	temporary(y, fresh);
	r = make(y, n, parent, fresh, e);
	if (r == 0 && n->kind == CHANGE_MODIFIED)
		r = exchange(n, parent, name, fresh, e);
	else if (r == 0 &&
	    renameat2(parent, fresh, parent, name, RENAME_NOREPLACE) != 0)
		r = err_sys(e, "cannot put it in its place");
	if (r != 0)
		(void)unlinkat(parent, fresh, 0);
	return r;
}

static int
put_folder(struct apply *y, const struct change *n, int parent,
    const char *name, struct err *e)
{
	AUTO_FD int fd = -1;

	if (n->kind == CHANGE_ADDED && mkdirat(parent, name, 0700) != 0)
		return err_sys(e, "cannot make the folder");
	fd = openat(
	    parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (n->kind == CHANGE_ADDED && give(y, fd) != 0))
		return err_sys(e, "cannot set the owner of the folder");
	return ERR_OK;
}

static int
take_away(struct apply *y, const struct change *n, int parent, const char *name,
    struct err *e)
{
	char gone[64];

	if (S_ISDIR(n->old_mode))
		return unlinkat(parent, name, AT_REMOVEDIR) == 0
		    ? ERR_OK
		    : err_sys(e, "cannot take the folder away");
	temporary(y, gone);
	if (renameat2(parent, name, parent, gone, RENAME_NOREPLACE) != 0)
		return err_sys(e, "cannot take it away");
	if (!is_base(parent, gone, n)) {
		(void)renameat2(parent, gone, parent, name, RENAME_NOREPLACE);
		return err_set(
		    e, ERR_CONFLICT, "it changed in the workspace meanwhile");
	}
	return unlinkat(parent, gone, 0) == 0
	    ? ERR_OK
	    : err_sys(e, "cannot take it away");
}

static int
set_folder_mode(
    const struct change *n, int parent, const char *name, struct err *e)
{
	AUTO_FD int fd = openat(
	    parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && fchmod(fd, n->mode & 01777) == 0
	    ? ERR_OK
	    : err_sys(e, "cannot set the mode of the folder");
}

enum pass {
	PASS_DELETE, /* from the last: what is in a folder before it */
	PASS_PUT,
	PASS_MODES, /* from the last: a folder closes when it is full */
};

static bool
is_of(enum pass pass, const struct change *n)
{
	switch (pass) {
	case PASS_DELETE:
		return n->kind == CHANGE_DELETED;
	case PASS_PUT:
		return n->kind != CHANGE_DELETED;
	case PASS_MODES:
		break;
	}
	return n->kind != CHANGE_DELETED && S_ISDIR(n->mode);
}

static int
apply_one(
    struct apply *y, const struct change *n, enum pass pass, struct err *e)
{
	const char *name;
	AUTO_FD int parent =
	    changes_open_parent(y->c->workspace, n->path, &name);
	int r;

	if (parent < 0)
		r = err_sys(e, "its folder is not there");
	else if (pass == PASS_DELETE)
		r = take_away(y, n, parent, name, e);
	else if (pass == PASS_MODES)
		r = set_folder_mode(n, parent, name, e);
	else if (S_ISDIR(n->mode))
		r = put_folder(y, n, parent, name, e);
	else
		r = put(y, n, parent, name, e);
	if (r != 0)
		return err_wrap(
		    e, r, "'%s' (%zu applied before it)", n->path, y->applied);
	y->applied += pass != PASS_MODES;
	return ERR_OK;
}

static int
apply_pass(struct apply *y, enum pass pass, struct err *e)
{
	const size_t count = y->c->count;
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct change *n =
		    &y->c->at[pass == PASS_PUT ? i : count - 1 - i];

		if (is_of(pass, n) && is_chosen(y, n))
			r = apply_one(y, n, pass, e);
	}
	return r;
}

int
changes_apply(struct changes *c, const char *const *paths, size_t count,
    size_t *ret_applied, struct err *e)
{
	struct apply y = { .c = c, .paths = paths, .path_count = count };
	int r = fstat(c->workspace, &y.top) != 0
	    ? err_sys(e, "cannot look at the workspace")
	    : check(&y, e);

	if (r == 0)
		r = apply_pass(&y, PASS_DELETE, e);
	if (r == 0)
		r = apply_pass(&y, PASS_PUT, e);
	if (r == 0)
		r = apply_pass(&y, PASS_MODES, e);
	*ret_applied = y.applied;
	return r;
}
