/*
 * Build the file system of a run.
 * Runs in: assent-exec, in a mount namespace of its own.
 * Trusts: the plan; neither the host's nor the workspace's names.
 * Owns: descriptors of the root under construction.
 */
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fdio.h"
#include "mnt.h"
#include "model/limits.h"
#include "sys.h"

#define ROOT_BYTES "size=16m"
#define ROOT_INODES "nr_inodes=8k"
#define TMP_INODES "nr_inodes=128k"
#define ACCOUNT_BYTES_MAX ((size_t)1 << 20)
/* Inside the new root nothing is a link that we did not make ourselves. */
#define INSIDE (RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
#define HOST (RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

static void
note(struct root *r, const char *text)
{
	if (r->note_count < ROOT_NOTES_MAX)
		r->notes[r->note_count++] = text;
}

/* What a run owns in its own /tmp; elsewhere folders are ours. */
static void
give(const struct root *r, int dirfd, const char *name)
{
	const struct plan_who *who = &r->plan->who;

	if (r->each_run && who->identity != IDENTITY_SAME)
		(void)fchownat(
		    dirfd, name, who->uid, who->gid, AT_SYMLINK_NOFOLLOW);
}

/* Opens the folder that holds path, making what is missing; *ret_name is the
 * last component. */
static int
open_parent(struct root *r, const char *path, int *ret, const char **ret_name,
    struct err *e)
{
	AUTO_FD int at = fcntl(r->dir, F_DUPFD_CLOEXEC, 0);
	const char *name = path + 1;

	for (;;) {
		const size_t n = strcspn(name, "/");
		char part[NAME_MAX + 1];
		int next;

		if (at < 0 || n == 0 || n > NAME_MAX)
			return err_sys(e, "cannot make '%s'", path);
		if (name[n] == '\0')
			break;
		memcpy(part, name, n);
		part[n] = '\0';
		if (mkdirat(at, part, 0755) == 0)
			give(r, at, part);
		next = sys_openat2(at, part, O_PATH | O_DIRECTORY, INSIDE);
		if (next < 0)
			return err_sys(e, "cannot make '%s' in the sandbox", path);
		(void)close(at);
		at = next;
		name += n + 1;
	}
	*ret = TAKE_FD(at);
	*ret_name = name;
	return ERR_OK;
}

/* The place at path in the new root; makes it when it is missing. */
static int
open_place(
    struct root *r, const char *path, bool folder, int *ret, struct err *e)
{
	AUTO_FD int parent = -1;
	const char *name;
	int fd, code;

	fd = sys_openat2(r->dir, path, O_PATH | O_NOFOLLOW, INSIDE);
	if (fd >= 0) {
		*ret = fd;
		return ERR_OK;
	}
	code = open_parent(r, path, &parent, &name, e);
	if (code != 0)
		return code;
	if (folder ? mkdirat(parent, name, 0755) != 0
		   : mknodat(parent, name, S_IFREG | 0644, 0) != 0)
		return err_sys(e, "cannot make '%s' in the sandbox", path);
	give(r, parent, name);
	fd = sys_openat2(parent, name, O_PATH | O_NOFOLLOW, INSIDE);
	if (fd < 0)
		return err_sys(e, "cannot open '%s' in the sandbox", path);
	*ret = fd;
	return ERR_OK;
}

static int
do_dir(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int fd = -1;

	return open_place(r, op->path, true, &fd, e);
}

static int
put_link(struct root *r, const char *path, const char *to, struct err *e)
{
	AUTO_FD int parent = -1;
	const char *name;
	int code = open_parent(r, path, &parent, &name, e);

	if (code != 0)
		return code;
	if (symlinkat(to, parent, name) != 0 && errno != EEXIST)
		return err_sys(e, "cannot make the link '%s'", path);
	return ERR_OK;
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
		note(r, "file systems mounted in the workspace are not shown");
		(void)close(TAKE_FD(tree));
		deep = false;
		code = mnt_tree(src, deep, &tree, e);
		if (code == 0)
			code = mnt_idmap(tree, r->idmap, deep, e);
	}
	if (code == 0)
		code = mnt_restrict(tree,
		    (op->flags & OP_WRITE) != 0 ? 0U : (unsigned)MNT_READ_ONLY,
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
put_tree(struct root *r, const struct op *op, int tree, bool folder,
    struct err *e)
{
	AUTO_FD int place = -1;
	const size_t index = (size_t)(op - r->plan->ops);
	int code;

	if ((op->flags & OP_EACH_RUN) != 0 && !r->each_run)
		code = stash_place(r, index, folder, true, &place, e);
	else
		code = open_place(r, op->path, folder, &place, e);
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
	return put_link(r, op->path, to, e);
}

static int
do_host(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int src = -1;
	AUTO_FD int tree = -1;
	mode_t type = 0;
	bool folder;
	int code;

	if (r->each_run)
		return put_stashed(r, op, e);
	src = sys_openat2(AT_FDCWD, op->source == NULL ? op->path : op->source,
	    O_PATH | O_NOFOLLOW, HOST);
	if (src < 0 && (op->flags & OP_OPTIONAL) != 0)
		return ERR_OK;
	if (src < 0)
		return err_sys(e, "cannot open '%s' without following links",
		    op->path);
	folder = is_folder(src, &type);
	if (type == S_IFLNK && op->kind == OP_SAME)
		return copy_link(r, op, src, e);
	if (type != S_IFDIR && type != S_IFREG)
		return ERR_OK;
	code = host_tree(r, op, src, &tree, e);
	if (code != 0)
		return err_wrap(e, code, "'%s'", op->path);
	return put_tree(r, op, tree, folder, e);
}

static int
do_workspace(struct root *r, const struct op *op, struct err *e)
{
	struct stat st;

	if (!r->each_run) {
		AUTO_FD int src = sys_openat2(
		    AT_FDCWD, op->path, O_PATH | O_NOFOLLOW, HOST);

		if (src < 0 && errno == ELOOP)
			return err_set(e, ERR_DENIED,
			    "the path '%s' leads through a symbolic link: "
			    "give the real path of the folder",
			    op->path);
		if (src < 0)
			return err_sys(
			    e, "cannot open the folder '%s'", op->path);
		if (fstat(src, &st) != 0 || !S_ISDIR(st.st_mode))
			return err_set(e, ERR_DENIED,
			    "'%s' is not a folder", op->path);
	}
	return do_host(r, op, e);
}

/* Covers the thing at fd with a copy of itself. */
static int
cover(int fd, bool read_only, struct err *e)
{
	AUTO_FD int tree = -1;
	int code = mnt_tree(fd, true, &tree, e);

	if (code == 0 && read_only)
		code = mnt_restrict(tree, MNT_READ_ONLY, true, e);
	return code == 0 ? mnt_put(tree, fd, e) : code;
}

static int
do_protect(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int fd =
	    sys_openat2(r->dir, op->path, O_PATH | O_NOFOLLOW, INSIDE);
	mode_t type = 0;
	bool folder;
	int code;

	if (fd < 0)
		return ERR_OK; /* missing: the supervisor guards the name */
	folder = is_folder(fd, &type);
	if (type != S_IFDIR && type != S_IFREG)
		return ERR_OK;
	code = cover(fd, op->kind == OP_PROTECT || !folder, e);
	return code == 0 ? code : err_wrap(e, code, "'%s'", op->path);
}

static int
do_mask(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int fd = sys_openat2(r->dir, op->path, O_PATH,
	    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	AUTO_FD int with = -1;
	AUTO_FD int tree = -1;
	mode_t type = 0;
	int code;

	if (fd < 0)
		return ERR_OK;
	with = openat(r->base, is_folder(fd, &type) ? "hide-dir" : "hide-file",
	    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (with < 0)
		return err_sys(e, "cannot hide '%s'", op->path);
	if (type != S_IFDIR && type != S_IFREG)
		return ERR_OK;
	code = mnt_tree(with, false, &tree, e);
	if (code == 0)
		code = mnt_restrict(tree, MNT_READ_ONLY, false, e);
	if (code == 0)
		code = mnt_put(tree, fd, e);
	return code == 0 ? code : err_wrap(e, code, "'%s'", op->path);
}

struct device {
	const char *path;
	unsigned major, minor;
};

static const struct device devices[] = {
	{ "/dev/null", 1, 3 },
	{ "/dev/zero", 1, 5 },
	{ "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 },
	{ "/dev/urandom", 1, 9 },
	{ "/dev/tty", 5, 0 },
};

static const char *const device_links[][2] = {
	{ "/dev/ptmx", "pts/ptmx" },
	{ "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" },
	{ "/dev/shm", "/tmp/.private/shm" },
};

static int
put_device(struct root *r, const struct device *d, struct err *e)
{
	AUTO_FD int src = sys_openat2(
	    AT_FDCWD, d->path, O_PATH | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS);
	AUTO_FD int tree = -1;
	AUTO_FD int place = -1;
	struct stat st;
	int code;

	if (src < 0 || fstat(src, &st) != 0 || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(d->major, d->minor)) {
		note(r, "a device is missing on the host");
		return ERR_OK;
	}
	code = mnt_tree(src, false, &tree, e);
	if (code == 0)
		code = mnt_restrict(tree, MNT_DEVICES | MNT_NO_EXEC, false, e);
	if (code == 0)
		code = open_place(r, d->path, false, &place, e);
	return code == 0 ? mnt_put(tree, place, e) : code;
}

static int
put_terminals(struct root *r, struct err *e)
{
	static const char *const options[] = {
		"ptmxmode=0666",
		"mode=0620",
		"max=256",
		NULL,
	};
	AUTO_FD int pts = -1;
	AUTO_FD int place = -1;
	int code = mnt_new(
	    "devpts", options, MNT_DEVICES | MNT_NO_EXEC, &pts, e);

	if (code == 0)
		code = open_place(r, "/dev/pts", true, &place, e);
	return code == 0 ? mnt_put(pts, place, e) : code;
}

static int
do_devices(struct root *r, struct err *e)
{
	int code = put_terminals(r, e);

	for (size_t i = 0; code == 0 && i < ARRAY_LEN(devices); i++)
		code = put_device(r, &devices[i], e);
	for (size_t i = 0; code == 0 && i < ARRAY_LEN(device_links); i++)
		code =
		    put_link(r, device_links[i][0], device_links[i][1], e);
	return code;
}

static int
do_proc(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int fd = -1;
	AUTO_FD int place = -1;
	int code = mnt_new("proc", NULL, MNT_READ_ONLY | MNT_NO_EXEC, &fd, e);

	if (code == 0)
		code = open_place(r, op->path, true, &place, e);
	return code == 0 ? mnt_put(fd, place, e) : code;
}

static int
do_tmp(struct root *r, const struct op *op, struct err *e)
{
	char size[48];
	const char *const options[] = { size, TMP_INODES, "mode=1777", NULL };
	AUTO_FD int fd = -1;
	AUTO_FD int place = -1;
	int code;

	(void)snprintf(
	    size, sizeof(size), "size=%llu", (unsigned long long)op->size);
	code = mnt_new("tmpfs", options, 0, &fd, e);
	if (code == 0)
		code = open_place(r, op->path, true, &place, e);
	return code == 0 ? mnt_put(fd, place, e) : code;
}

static int
do_tmp_dir(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int parent = -1;
	const char *name;
	int code = open_parent(r, op->path, &parent, &name, e);

	if (code != 0)
		return code;
	if (mkdirat(parent, name, (mode_t)op->size & 07777) != 0 &&
	    errno != EEXIST)
		return err_sys(e, "cannot make '%s'", op->path);
	if (op->size == 01777)
		(void)fchmodat(parent, name, 01777, 0);
	give(r, parent, name);
	return ERR_OK;
}

/* The host's file and one line for the account that runs here. */
static int
account_text(
    const struct plan *p, const struct op *op, struct buf *out, struct err *e)
{
	const bool passwd = strcmp(op->path, "/etc/passwd") == 0;
	int code = fdio_read_file(op->path, out, e);

	if (code != 0)
		return code;
	if (out->len > 0 && out->s[out->len - 1] != '\n')
		buf_putc(out, '\n');
	if (passwd)
		buf_printf(out, "%s:x:%u:%u::%s:/bin/sh\n", p->who.name,
		    p->who.uid, p->who.gid,
		    p->home == NULL ? "/tmp" : p->home);
	else
		buf_printf(out, "%s:x:%u:\n", p->who.name, p->who.gid);
	return buf_done(out, e);
}

static int
do_file(struct root *r, const struct op *op, size_t index, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(ACCOUNT_BYTES_MAX);
	AUTO_FD int fd = -1;
	AUTO_FD int tree = -1;
	AUTO_FD int place = -1;
	char name[32];
	int code = account_text(r->plan, op, &text, e);

	if (code != 0)
		return (op->flags & OP_OPTIONAL) != 0 ? ERR_OK : code;
	(void)snprintf(name, sizeof(name), "t/%zu", index);
	fd = openat(r->base, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd < 0)
		return err_sys(e, "cannot write '%s'", op->path);
	code = fdio_write_all(fd, text.s, text.len, e);
	if (code == 0)
		code = mnt_tree(fd, false, &tree, e);
	if (code == 0)
		code = mnt_restrict(tree, MNT_READ_ONLY, false, e);
	if (code == 0)
		code = open_place(r, op->path, false, &place, e);
	return code == 0 ? mnt_put(tree, place, e) : code;
}

static int
do_op(struct root *r, size_t index, struct err *e)
{
	const struct op *op = &r->plan->ops[index];

	switch (op->kind) {
	case OP_SAME:
	case OP_TOOL:
	case OP_ROOTED:
		return do_host(r, op, e);
	case OP_WORKSPACE:
		return do_workspace(r, op, e);
	case OP_DIR:
		return do_dir(r, op, e);
	case OP_LINK:
		return put_link(r, op->path, op->source, e);
	case OP_FILE:
		return do_file(r, op, index, e);
	case OP_DEVICES:
		return do_devices(r, e);
	case OP_PROTECT:
	case OP_PIN_NAME:
		return do_protect(r, op, e);
	case OP_MASK:
		return do_mask(r, op, e);
	case OP_PROC:
		return do_proc(r, op, e);
	case OP_TMP:
		return do_tmp(r, op, e);
	case OP_TMP_DIR:
		return do_tmp_dir(r, op, e);
	case OP_INVALID:
		break;
	}
	return err_set(e, ERR_INTERNAL, "unknown operation in the plan");
}

/* Mounts of a run's /tmp are fetched in the first phase and placed in the
 * second; everything else happens in one of them. */
static bool
is_due(const struct root *r, const struct op *op)
{
	const bool each = (op->flags & OP_EACH_RUN) != 0;

	if (op->kind == OP_SAME || op->kind == OP_TOOL ||
	    op->kind == OP_ROOTED || op->kind == OP_WORKSPACE)
		return each || !r->each_run;
	return each == r->each_run;
}

static int
do_phase(struct root *r, struct err *e)
{
	int code = ERR_OK;

	/* /tmp comes first among what each run gets anew. */
	for (size_t i = 0; code == 0 && r->each_run && i < r->plan->op_count;
	     i++) {
		if (r->plan->ops[i].kind == OP_TMP)
			code = do_op(r, i, e);
	}
	for (size_t i = 0; code == 0 && i < r->plan->op_count; i++) {
		if (is_due(r, &r->plan->ops[i]) &&
		    r->plan->ops[i].kind != OP_TMP)
			code = do_op(r, i, e);
	}
	return code;
}

static int
make_base(struct root *r, struct err *e)
{
	static const char *const options[] = {
		ROOT_BYTES,
		ROOT_INODES,
		"mode=0755",
		NULL,
	};
	AUTO_FD int at = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int code = mnt_new("tmpfs", options, 0, &r->base, e);

	if (code != 0)
		return code;
	if (at < 0)
		return err_sys(e, "cannot open '/proc'");
	code = mnt_put(r->base, at, e);
	if (code != 0)
		return code;
	if (mkdirat(r->base, "r", 0755) != 0 ||
	    mkdirat(r->base, "t", 0700) != 0 ||
	    mkdirat(r->base, "hide-dir", 0) != 0 ||
	    mknodat(r->base, "hide-file", S_IFREG, 0) != 0)
		return err_sys(e, "cannot prepare the sandbox's root");
	r->dir = openat(r->base, "r", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->dir < 0)
		return err_sys(e, "cannot open the sandbox's root");
	return ERR_OK;
}

int
root_build(struct root *r, const struct plan *p, struct err *e)
{
	int code;

	r->plan = p;
	code = mnt_private(e);
	if (code == 0)
		code = make_base(r, e);
	if (code == 0)
		code = do_phase(r, e);
	if (code == 0)
		code = mnt_restrict(r->base, MNT_READ_ONLY, false, e);
	return code;
}

int
root_enter(struct root *r, struct err *e)
{
	if (fchdir(r->base) != 0 || sys_pivot_root(".", ".") != 0 ||
	    umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
		return err_sys(e, "cannot change the root");
	return ERR_OK;
}

int
root_each_run(struct root *r, struct err *e)
{
	/* Descriptors from before show the template, not this copy of it. */
	root_free(r);
	r->each_run = true;
	r->base = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r->dir = open("/r", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->base < 0 || r->dir < 0)
		return err_sys(e, "cannot open the sandbox's root");
	return do_phase(r, e);
}

int
root_close_in(struct root *r, struct err *e)
{
	if (fchdir(r->dir) != 0 || chroot(".") != 0 || chdir("/") != 0)
		return err_sys(e, "cannot close the sandbox's root");
	root_free(r);
	return ERR_OK;
}

void
root_free(struct root *r)
{
	fd_closep(&r->base);
	fd_closep(&r->dir);
	fd_closep(&r->idmap);
	r->base = r->dir = r->idmap = -1;
}
