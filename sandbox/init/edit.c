/*
 * Write files as an approved edit says.
 * Runs in: assent-exec, as the first process of a run: the run's user, no
 * capabilities, the run's own mounts.
 * Trusts: the plan's bytes; no name and no content in the workspace.
 * Owns: nothing.
 */
#include "init/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "gate/gate_int.h"
#include "init/patch.h"

#define EDIT_FILE_MAX ((size_t)16 << 20)
#define EDIT_ARENA ((size_t)256 << 20)
#define TEMPORARY ".assent-edit-%016llx"
#define MODE_NEW 0644

/* What one edit did, so that it can be taken back. */
struct done {
	const char *path; /* absolute */
	bool existed;
	struct str old;
	mode_t mode;
};

struct editing {
	struct gate *g;
	const struct plan *p;
	struct arena *a;
	struct done *done;
	size_t done_count;
};

static const char *
absolute(struct editing *d, const char *path)
{
	char full[PATH_MAX];

	if (path[0] == '/')
		return path;
	if (snprintf(full, sizeof(full), "%s/%s", d->p->cwd, path) >=
	    (int)sizeof(full))
		return NULL;
	return arena_strdup(d->a, full);
}

/* Missing folders on the way are made, where their names may be made. */
static void
make_folders(struct editing *d, const char *path)
{
	char part[PATH_MAX];

	for (const char *at = strchr(path + 1, '/'); at != NULL;
	     at = strchr(at + 1, '/')) {
		struct gate_place p = GATE_PLACE_INIT;

		(void)snprintf(
		    part, sizeof(part), "%.*s", (int)(at - path), path);
		if (gate_resolve_from(d->g, AT_FDCWD, part, false, &p) == 0 &&
		    !p.exists && gate_permits(d->g, &p, GUARD_MKDIR))
			(void)mkdirat(p.parent, p.name, 0755);
		gate_place_done(&p);
	}
}

static int
place_of(struct editing *d, const char *path, enum guard_act act,
    struct gate_place *ret, struct err *e)
{
	const int r = gate_resolve_from(d->g, AT_FDCWD, path, false, ret);

	if (r != 0)
		return err_set(
		    e, ERR_NOTFOUND, "the folder of '%s' is not there", path);
	if (!gate_permits(d->g, ret, act))
		return err_set(e, ERR_DENIED,
		    "'%s' is protected or outside of the workspace", path);
	if (ret->exists && !S_ISREG(ret->st.st_mode))
		return err_set(
		    e, ERR_DENIED, "'%s' is not a regular file", path);
	return ERR_OK;
}

static int
read_old(struct editing *d, const char *path, const struct gate_place *p,
    struct str *ret, struct err *e)
{
	AUTO_FD int fd = openat(
	    p->parent, p->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_BUF struct buf b = BUF_INIT(EDIT_FILE_MAX);
	char *copy;
	int r;

	if (fd < 0)
		return err_sys(e, "cannot read '%s'", path);
	r = fdio_read_all(fd, &b, e);
	if (r != 0)
		return err_wrap(e, r, "'%s'", path);
	copy = arena_strndup(d->a, buf_cstr(&b), b.len);
	if (copy == NULL)
		return err_nomem(e);
	*ret = str_n(copy, b.len);
	return ERR_OK;
}

/* The file as it was shown to whoever approved, or nothing happens. */
static int
check_shown(const struct plan_edit *edit, const char *path, bool exists,
    struct str old, struct err *e)
{
	uint8_t now[SHA256_LEN];
	int r;

	if (edit->op == PLAN_EDIT_CREATE)
		return !exists
		    ? ERR_OK
		    : err_set(e, ERR_CONFLICT, "'%s' exists already", path);
	if (!exists)
		return err_set(e, ERR_CONFLICT, "'%s' is not there", path);
	if (!edit->has_sha256)
		return ERR_OK;
	r = sha256_of(old.s, old.len, now, e);
	if (r == 0 && memcmp(now, edit->sha256, SHA256_LEN) != 0)
		return err_set(e, ERR_CONFLICT,
		    "'%s' is stale: it has changed since it was shown; read "
		    "it again",
		    path);
	return r;
}

/* Complete or not at all: a new file takes the name. */
static int
put_file(const struct gate_place *p, const char *path, struct str bytes,
    mode_t mode, struct err *e)
{
	AUTO_FD int fd = -1;
	unsigned long long any = 0;
	char temporary[64];
	int r;

	if (getrandom(&any, sizeof(any), 0) != (ssize_t)sizeof(any))
		return err_sys(e, "cannot name a file beside '%s'", path);
	(void)snprintf(temporary, sizeof(temporary), TEMPORARY, any);
	fd = openat(p->parent, temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot write '%s'", path);
	r = fdio_write_all(fd, bytes.s, bytes.len, e);
	if (r == 0 && fchmod(fd, mode & 0777) != 0)
		r = err_sys(e, "cannot set the mode of '%s'", path);
	if (r == 0 && renameat(p->parent, temporary, p->parent, p->name) != 0)
		r = err_sys(e, "cannot write '%s'", path);
	if (r != 0)
		(void)unlinkat(p->parent, temporary, 0);
	return r;
}

static int
new_content(struct editing *d, const struct plan_edit *edit, const char *path,
    struct str old, struct str *ret, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(EDIT_FILE_MAX);
	char *copy;
	int r;

	if (edit->op != PLAN_EDIT_PATCH) {
		*ret = edit->content;
		return ERR_OK;
	}
	r = patch_apply(old, edit->content, d->a, &out, e);
	if (r != 0)
		return err_wrap(e, r, "'%s'", path);
	copy = arena_strndup(d->a, buf_cstr(&out), out.len);
	if (copy == NULL)
		return err_nomem(e);
	*ret = str_n(copy, out.len);
	return ERR_OK;
}

static void
remember(struct editing *d, const char *path, const struct gate_place *p,
    struct str old)
{
	d->done[d->done_count++] = (struct done){
		.path = path,
		.existed = p->exists,
		.old = old,
		.mode = p->exists ? p->st.st_mode : MODE_NEW,
	};
}

static int
move(struct editing *d, const struct plan_edit *edit, const char *path,
    const struct gate_place *from, struct str old, struct err *e)
{
	struct gate_place to = GATE_PLACE_INIT;
	const char *target = edit->to == NULL ? NULL : absolute(d, edit->to);
	int r;

	if (target == NULL)
		return err_set(
		    e, ERR_INVALID, "moving '%s' needs a target", path);
	make_folders(d, target);
	r = place_of(d, target, GUARD_PLACE, &to, e);
	if (r == 0 && to.exists)
		r = err_set(e, ERR_CONFLICT, "'%s' exists already", target);
	if (r == 0 &&
	    renameat2(from->parent, from->name, to.parent, to.name,
		RENAME_NOREPLACE) != 0)
		r = err_sys(e, "cannot move '%s'", path);
	if (r == 0) {
		remember(d, path, from, old);
		remember(d, target, &to, STR(""));
	}
	gate_place_done(&to);
	return r;
}

static int
change(struct editing *d, const struct plan_edit *edit, const char *path,
    const struct gate_place *p, struct str old, struct err *e)
{
	struct str text;
	int r;

	if (edit->op == PLAN_EDIT_MOVE)
		return move(d, edit, path, p, old, e);
	if (edit->op == PLAN_EDIT_DELETE) {
		if (unlinkat(p->parent, p->name, 0) != 0)
			return err_sys(e, "cannot delete '%s'", path);
		remember(d, path, p, old);
		return ERR_OK;
	}
	r = new_content(d, edit, path, old, &text, e);
	if (r == 0)
		r = put_file(
		    p, path, text, p->exists ? p->st.st_mode : MODE_NEW, e);
	if (r == 0)
		remember(d, path, p, old);
	return r;
}

static int
apply_one(struct editing *d, const struct plan_edit *edit, struct err *e)
{
	const enum guard_act act =
	    edit->op == PLAN_EDIT_DELETE || edit->op == PLAN_EDIT_MOVE
	    ? GUARD_TAKE
	    : GUARD_WRITE;
	struct gate_place p = GATE_PLACE_INIT;
	struct str old = STR("");
	const char *path = absolute(d, edit->path);
	int r;

	if (path == NULL)
		return err_set(e, ERR_LIMIT, "a path is too long");
	if (edit->op == PLAN_EDIT_CREATE)
		make_folders(d, path);
	r = place_of(d, path, act, &p, e);
	if (r == 0 && p.exists)
		r = read_old(d, path, &p, &old, e);
	if (r == 0)
		r = check_shown(edit, path, p.exists, old, e);
	if (r == 0)
		r = change(d, edit, path, &p, old, e);
	gate_place_done(&p);
	return r;
}

static void
take_back(struct editing *d)
{
	while (d->done_count > 0) {
		const struct done *was = &d->done[--d->done_count];
		struct gate_place p = GATE_PLACE_INIT;

		if (gate_resolve_from(d->g, AT_FDCWD, was->path, false, &p) ==
		    0) {
			if (was->existed)
				(void)put_file(
				    &p, was->path, was->old, was->mode, NULL);
			else
				(void)unlinkat(p.parent, p.name, 0);
		}
		gate_place_done(&p);
	}
}

static void
tell(const struct plan *p, int out)
{
	static const char *const verbs[] = {
		[PLAN_EDIT_INVALID] = "?",
		[PLAN_EDIT_CREATE] = "created",
		[PLAN_EDIT_REPLACE] = "replaced",
		[PLAN_EDIT_PATCH] = "patched",
		[PLAN_EDIT_DELETE] = "deleted",
		[PLAN_EDIT_MOVE] = "moved",
	};

	for (size_t i = 0; i < p->edit_count; i++) {
		AUTO_BUF struct buf line = BUF_INIT((size_t)2 * PATH_MAX);

		buf_printf(
		    &line, "%s %s\n", verbs[p->edits[i].op], p->edits[i].path);
		if (buf_done(&line, NULL) == 0)
			(void)fdio_write_all(out, line.s, line.len, NULL);
	}
}

int
edit_apply(struct gate *g, const struct plan *p, int out, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(EDIT_ARENA);
	struct editing d = { .g = g, .p = p, .a = a };
	int r = ERR_OK;

	if (a != NULL)
		d.done = arena_array(a, 2 * p->edit_count, sizeof(*d.done));
	if (d.done == NULL)
		return err_nomem(e);
	for (size_t i = 0; r == 0 && i < p->edit_count; i++)
		r = apply_one(&d, &p->edits[i], e);
	if (r != 0)
		take_back(&d);
	else
		tell(p, out);
	return r;
}
