/*
 * Show, cover and hide what the host has.
 * Runs in: assent-exec, in a mount namespace of its own.
 * Trusts: the plan; neither the host's nor the workspace's names.
 * Owns: nothing.
 */
#include "root/root_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup/acl.h"
#include "root/identity.h"
#include "root/mnt.h"
#include "model/limits.h"
#include "sys.h"

/* Where owners cannot be mapped the administrator may have given rights. */
static bool
has_rights(struct root *r, const struct op *op, int src)
{
	const struct plan_who *who = &r->plan->who;

	if (op->kind != OP_WORKSPACE || who->owner == 0 ||
	    !acl_is_granted(src, who->gid))
		return false;
	root_note(r,
	    "note: this file system cannot map owners: what the run makes "
	    "belongs to its account, with rights for you");
	return true;
}

/* A copy of a host mount, dressed; -1 in *ret when there is nothing. */
static int
host_tree(struct root *r, const struct op *op, int src, int *ret, struct err *e)
{
	AUTO_FD int tree = -1;
	bool deep = true;
	const bool mapped = r->idmap >= 0 && op->kind != OP_SAME;
	int code = mnt_tree(src, deep, &tree, e);

	if (code == 0 && mapped && mnt_idmap(tree, r->idmap, deep, e) != 0) {
		/* A file system below cannot map owners: leave it out. */
		root_note(r,
		    "note: file systems mounted in the workspace are not "
		    "shown");
		(void)close(TAKE_FD(tree));
		deep = false;
		code = mnt_tree(src, deep, &tree, e);
		if (code == 0)
			code = mnt_idmap(tree, r->idmap, deep, e);
		if (code != 0 && has_rights(r, op, src)) {
			(void)close(TAKE_FD(tree));
			code = mnt_tree(src, deep, &tree, e);
		}
	}
	if (code == 0)
		code = mnt_restrict(tree,
		    (op->flags & (OP_WRITE | OP_OVERLAY)) == OP_WRITE
			? 0U
			: (unsigned)MNT_READ_ONLY,
		    deep, e);
	if (code == 0)
		*ret = TAKE_FD(tree);
	return code;
}

/* base/t/N keeps a mount that each run puts into its own /tmp. */
static int
stash_place(struct root *r, size_t index, bool folder, bool make, int *ret,
    struct err *e)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "t/%zu", index);
	if (make &&
	    (folder ? mkdirat(r->base, name, 0755) != 0
		    : mknodat(r->base, name, S_IFREG | 0644, 0) != 0))
		return err_sys(e, "cannot prepare the sandbox's folders");
	*ret = sys_openat2(r->base, name, O_PATH | O_NOFOLLOW, INSIDE);
	if (*ret < 0)
		return err_sys(e, "cannot prepare the sandbox's folders");
	return ERR_OK;
}

static bool
is_folder(int fd, mode_t *ret_type)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	*ret_type = st.st_mode & S_IFMT;
	return *ret_type == S_IFDIR;
}

static int
put_tree(
    struct root *r, const struct op *op, int tree, bool folder, struct err *e)
{
	AUTO_FD int place = -1;
	const size_t index = (size_t)(op - r->plan->ops);
	int code;

	if ((op->flags & OP_EACH_RUN) != 0 && !r->fresh && !r->each_run)
		code = stash_place(r, index, folder, true, &place, e);
	else
		code = root_open_place(r, op->path, folder, &place, e);
	root_forget_near(r);
	return code == 0 ? mnt_put(tree, place, e) : code;
}

/* Second phase: what was kept goes where the plan wants it. */
static int
put_stashed(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int kept = -1;
	AUTO_FD int tree = -1;
	mode_t type = 0;
	int code = stash_place(
	    r, (size_t)(op - r->plan->ops), false, false, &kept, NULL);

	if (code != 0)
		return ERR_OK; /* it was optional and missing */
	code = mnt_tree(kept, true, &tree, e);
	if (code != 0)
		return code;
	return put_tree(r, op, tree, is_folder(kept, &type), e);
}

static int
copy_link(struct root *r, const struct op *op, int src, struct err *e)
{
	char to[PATH_BYTES_MAX];
	const ssize_t n = readlinkat(src, "", to, sizeof(to) - 1);

	if (n < 0)
		return err_sys(e, "cannot read the link '%s'", op->path);
	to[n] = '\0';
	return root_put_link(r, op->path, to, e);
}

static int
cannot_open(const struct op *op, struct err *e)
{
	if (errno == ENOENT && op->kind == OP_ROOTED)
		return err_set(e, ERR_NOTFOUND,
		    "'%s', which is to be writable, is not there: make it "
		    "first, or take it out of 'write' in the profile",
		    op->path);
	return err_sys(e, "cannot open '%s' without following links", op->path);
}

static bool
same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

/* fd: src, opened once more to be read, or -1. *ret stays as it is where there
 * is nothing to leave out. */
static int
clean_same(struct root *r, const struct op *op, int src, int fd, int *ret,
    struct err *e)
{
	if (fd >= 0 && !same_file(fd, src))
		return err_set(e, ERR_DENIED,
		    "'%s' was replaced while it was looked at: run it again",
		    op->path);
	return root_clean(r, op, fd, ret, e);
}

static int
clean_host(
    struct root *r, const struct op *op, int src, int *ret, struct err *e)
{
	AUTO_FD int fd = -1;

	if ((op->flags & OP_CLEAN) == 0)
		return ERR_OK;
	fd = identity_open(&r->plan->who, AT_FDCWD, op->path,
	    O_RDONLY | O_NONBLOCK | O_NOFOLLOW, HOST);
	return clean_same(r, op, src, fd, ret, e);
}

int
root_do_host(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int src = -1;
	AUTO_FD int tree = -1;
	mode_t type = 0;
	bool folder;
	int code;

	if (r->each_run && !r->fresh)
		return put_stashed(r, op, e);
	src = root_open_host(r, op->source == NULL ? op->path : op->source);
	if (src < 0 && (op->flags & OP_OPTIONAL) != 0)
		return ERR_OK;
	if (src < 0)
		return cannot_open(op, e);
	folder = is_folder(src, &type);
	if (type == S_IFLNK && op->kind == OP_SAME)
		return copy_link(r, op, src, e);
	if (type != S_IFDIR && type != S_IFREG)
		return ERR_OK;
	code = type == S_IFREG ? clean_host(r, op, src, &tree, e) : ERR_OK;
	if (code == 0 && tree < 0)
		code = host_tree(r, op, src, &tree, e);
	if (code == 0 && (op->flags & OP_OVERLAY) != 0) {
		AUTO_FD int lower = TAKE_FD(tree);

		code = root_make_overlay(r, lower, &tree, e);
	}
	if (code != 0)
		return err_wrap(e, code, "'%s'", op->path);
	return put_tree(r, op, tree, folder, e);
}

int
root_do_workspace(struct root *r, const struct op *op, struct err *e)
{
	struct stat st;

	if (r->fresh || !r->each_run) {
		AUTO_FD int src = identity_open(&r->plan->who, AT_FDCWD,
		    op->path, O_PATH | O_NOFOLLOW, HOST);

		if ((src < 0 && errno == ELOOP) ||
		    (src >= 0 && fstat(src, &st) == 0 && S_ISLNK(st.st_mode)))
			return err_set(e, ERR_DENIED,
			    "the path '%s' leads through a symbolic link: "
			    "give the real path of the folder",
			    op->path);
		if (src < 0)
			return err_sys(
			    e, "cannot open the folder '%s'", op->path);
		if (fstat(src, &st) != 0 || !S_ISDIR(st.st_mode))
			return err_set(
			    e, ERR_DENIED, "'%s' is not a folder", op->path);
	}
	return root_do_host(r, op, e);
}

/* Nobody need hide what this user cannot read anyway. */
static bool
is_readable(const struct root *r, int fd)
{
	const struct plan_who *who = &r->plan->who;
	struct stat st;

	if (who->identity == IDENTITY_SAME)
		return faccessat(fd, "", R_OK, AT_EACCESS | AT_EMPTY_PATH) == 0;
	return fstat(fd, &st) != 0 || st.st_uid == who->uid ||
	    st.st_gid == who->gid || (st.st_mode & S_IRWXO) != 0;
}

/* The same of a file in the workspace: it is what its run could read. */
static int
clean_inside(
    struct root *r, const struct op *op, int src, int *ret, struct err *e)
{
	AUTO_FD int fd = -1;

	if ((op->flags & OP_CLEAN) == 0 || !is_readable(r, src))
		return ERR_OK;
	fd = sys_openat2(
	    r->dir, op->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, INSIDE);
	return clean_same(r, op, src, fd, ret, e);
}

/* Covers the thing at fd with tree, or with a copy of itself. */
static int
cover(int fd, int clean, bool read_only, struct err *e)
{
	AUTO_FD int tree = clean;
	int code = clean < 0 ? mnt_tree(fd, true, &tree, e) : ERR_OK;

	if (code == 0 && read_only)
		code = mnt_restrict(tree, MNT_READ_ONLY, true, e);
	return code == 0 ? mnt_put(tree, fd, e) : code;
}

int
root_do_protect(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int fd = root_open_inside(r, op->path);
	mode_t type = 0;
	bool folder;
	int code = ERR_OK, tree = -1;

	if (fd < 0)
		return ERR_OK; /* missing: the supervisor guards the name */
	folder = is_folder(fd, &type);
	if (type != S_IFDIR && type != S_IFREG)
		return ERR_OK;
	if (!folder)
		code = clean_inside(r, op, fd, &tree, e);
	if (code == 0)
		code = cover(fd, tree, op->kind == OP_PROTECT || !folder, e);
	return code == 0 ? code : err_wrap(e, code, "'%s'", op->path);
}

/* In a workspace the way may lead through links that it holds. */
static int
open_to_mask(struct root *r, const char *path)
{
	const int fd = root_open_inside(r, path);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISLNK(st.st_mode))
		return fd;
	(void)close(fd);
	return sys_openat2(
	    r->dir, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int
root_mask(struct root *r, int fd, struct err *e)
{
	AUTO_FD int with = -1;
	AUTO_FD int tree = -1;
	mode_t type = 0;
	int code;

	with = openat(r->base, is_folder(fd, &type) ? "hide-dir" : "hide-file",
	    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (with < 0)
		return err_sys(e, "cannot hide it");
	if (type != S_IFDIR && type != S_IFREG)
		return ERR_OK;
	code = mnt_tree(with, false, &tree, e);
	if (code == 0)
		code = mnt_restrict(tree, MNT_READ_ONLY, false, e);
	return code == 0 ? mnt_put(tree, fd, e) : code;
}

int
root_do_mask(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int fd = open_to_mask(r, op->path);
	int code;

	if (fd < 0 || !is_readable(r, fd))
		return ERR_OK;
	code = root_mask(r, fd, e);
	return code == 0 ? code : err_wrap(e, code, "'%s'", op->path);
}
