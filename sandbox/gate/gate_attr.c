/*
 * Change modes, owners, times and attributes on behalf of the run: of a file
 * in the workspace that has another name elsewhere they are that file's, too.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: nothing.  Owns: nothing beyond a call.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "gate/gate_int.h"
#include "sys.h"

#define NR_FCHMODAT2 452
#define SET_ID_BITS 06000U
#define MODE_BITS 01777U
#define LINK_BYTES 64

/* What is to be changed: by descriptor, by path, or both. */
struct target {
	int dirfd;
	uint64_t path; /* 0: the descriptor itself */
	int flags; /* AT_* */
};

/* It, held open, and the name by which a call reaches it. */
struct held {
	int fd; /* O_PATH; owned */
	struct stat st;
	char link[LINK_BYTES];
};

bool
gate_is_attr(int nr)
{
	switch (nr) {
	case SYS_fchmod:
	case SYS_fchmodat:
	case NR_FCHMODAT2:
	case SYS_utimensat:
	case SYS_fchown:
	case SYS_fchownat:
	case SYS_setxattr:
	case SYS_lsetxattr:
	case SYS_fsetxattr:
	case SYS_removexattr:
	case SYS_lremovexattr:
	case SYS_fremovexattr:
#ifdef SYS_chmod
	case SYS_chmod:
	case SYS_chown:
	case SYS_lchown:
	case SYS_utime:
	case SYS_utimes:
	case SYS_futimesat:
#endif
		return true;
	default:
		return false;
	}
}

/* ---- what it is ---------------------------------------------------------- */

static int
open_descriptor(struct gate *g, int number)
{
	char link[LINK_BYTES];
	int fd;

	(void)snprintf(
	    link, sizeof(link), "/proc/%u/fd/%d", g->req->pid, number);
	fd = open(link, O_PATH | O_CLOEXEC);
	return fd < 0 ? -EBADF : fd;
}

static int
open_path(struct gate *g, const struct target *t)
{
	const bool follow = (t->flags & AT_SYMLINK_NOFOLLOW) == 0;
	AUTO_FD int base = -1;
	char path[PATH_MAX];
	int r = gate_read_path(g, t->path, path);
	int fd;

	if (r != 0)
		return r;
	if (path[0] == '\0')
		return (t->flags & AT_EMPTY_PATH) != 0
		    ? open_descriptor(g, t->dirfd)
		    : -ENOENT;
	r = follow ? gate_descriptor(g, path) : -1;
	if (r >= 0)
		return open_descriptor(g, r);
	gate_name_caller(g, path);
	if (path[0] != '/') {
		base = gate_folder(g, t->dirfd);
		if (base < 0)
			return -EBADF;
	}
	fd = sys_openat2(base, path, O_PATH | (follow ? 0 : O_NOFOLLOW),
	    RESOLVE_NO_MAGICLINKS);
	return fd < 0 ? -errno : fd;
}

/* Outside of what the gate looks after mounts hold, where there are any. */
static int
judge_outside(const struct gate *g, const char *path)
{
	return g->plan == NULL || gate_is_private(g, path) ? 0 : -EPERM;
}

/* In a workspace: p is the name by which the kernel knows it now. */
static int
judge_inside(struct gate *g, const struct held *h, const struct gate_place *p)
{
	const bool bare = g->plan != NULL;

	if (S_ISDIR(h->st.st_mode) && !bare)
		return 0;
	/* Its name here is gone, and there is another. */
	if (!p->exists || p->st.st_ino != h->st.st_ino ||
	    p->st.st_dev != h->st.st_dev)
		return gate_denied(g, "change a hard link", p);
	if (!gate_permits(g, p, GUARD_CHANGE) || (bare && !g->plan->write))
		return gate_denied(g, "change the mode or times of", p);
	if (!S_ISDIR(h->st.st_mode) && h->st.st_nlink > 1 &&
	    !gate_is_own(g, h->st.st_dev, h->st.st_ino))
		return gate_denied(g, "change a hard link", p);
	return 0;
}

static int
judge(struct gate *g, const struct held *h)
{
	struct gate_place p = GATE_PLACE_INIT;
	char path[PATH_MAX];
	const ssize_t n = readlink(h->link, path, sizeof(path) - 1);
	int r;

	if (n <= 0 || n == (ssize_t)sizeof(path) - 1)
		return -EACCES;
	path[n] = '\0';
	if (h->st.st_nlink == 0 && str_ends(str_of(path), STR(" (deleted)")))
		return 0; /* nobody else's */
	if (path[0] != '/') /* a pipe, a socket */
		return judge_outside(g, "");
	r = gate_resolve(g, AT_FDCWD, path, false, &p);
	if (r == 0)
		r = p.root == NULL ? judge_outside(g, p.rel)
				   : judge_inside(g, h, &p);
	else if (r == GATE_NATIVE) /* "/", or it is gone with its folder */
		r = S_ISDIR(h->st.st_mode) ? judge_outside(g, path) : -EACCES;
	gate_place_done(&p);
	return r;
}

/* 0 when the run may change it. */
static int
hold(struct gate *g, const struct target *t, struct held *ret)
{
	ret->fd = t->path == 0 ? open_descriptor(g, t->dirfd) : open_path(g, t);
	if (ret->fd < 0)
		return ret->fd;
	if (!gate_valid(g) || fstat(ret->fd, &ret->st) != 0)
		return -EACCES;
	(void)snprintf(
	    ret->link, sizeof(ret->link), "/proc/self/fd/%d", ret->fd);
	return judge(g, ret);
}

/* ---- what is done to it -------------------------------------------------- */

static int
call_chmod(struct gate *g, struct target t, mode_t mode)
{
	struct held h = { .fd = -1 };
	int r;

	if ((mode & SET_ID_BITS) != 0) {
		gate_violation(g, "system call chmod: a set-id bit", NULL);
		return -EPERM;
	}
	r = hold(g, &t, &h);
	if (r == 0)
		r = chmod(h.link, mode & MODE_BITS) == 0 ? 0 : -errno;
	fd_closep(&h.fd);
	return r;
}

static int
call_chown(struct gate *g, struct target t, uid_t uid, gid_t gid)
{
	struct held h = { .fd = -1 };
	int r = hold(g, &t, &h);

	if (r == 0)
		r = chown(h.link, uid, gid) == 0 ? 0 : -errno;
	fd_closep(&h.fd);
	return r;
}

/* The three forms of two times; an address of zero means now. */
static int
read_times(struct gate *g, uint64_t address, struct timespec to[2])
{
	struct timeval values[2];
	int r = 0;

	to[0] = to[1] = (struct timespec){ .tv_nsec = UTIME_NOW };
	if (address == 0)
		return 0;
	if (g->req->data.nr == SYS_utimensat)
		return gate_read(g, address, to, 2 * sizeof(*to));
#ifdef SYS_utime
	if (g->req->data.nr == SYS_utime) {
		long seconds[2];

		r = gate_read(g, address, seconds, sizeof(seconds));
		for (int i = 0; r == 0 && i < 2; i++)
			to[i] = (struct timespec){ .tv_sec = seconds[i] };
		return r;
	}
#endif
	r = gate_read(g, address, values, sizeof(values));
	for (int i = 0; r == 0 && i < 2; i++) {
		if (values[i].tv_usec < 0 || values[i].tv_usec >= 1000000)
			return -EINVAL;
		to[i] = (struct timespec){
			.tv_sec = values[i].tv_sec,
			.tv_nsec = values[i].tv_usec * 1000,
		};
	}
	return r;
}

static int
call_times(struct gate *g, struct target t, uint64_t address)
{
	struct held h = { .fd = -1 };
	struct timespec to[2];
	int r = read_times(g, address, to);

	if (r == 0)
		r = hold(g, &t, &h);
	if (r == 0)
		r = utimensat(AT_FDCWD, h.link, to, 0) == 0 ? 0 : -errno;
	fd_closep(&h.fd);
	return r;
}

/* name has XATTR_NAME_MAX + 1 bytes. */
static int
read_name(struct gate *g, uint64_t address, char *name)
{
	char path[PATH_MAX];
	const int r = gate_read_path(g, address, path);
	size_t len;

	if (r != 0)
		return r == -ENAMETOOLONG ? -ERANGE : r;
	len = strlen(path);
	if (len == 0 || len > XATTR_NAME_MAX)
		return -ERANGE;
	memcpy(name, path, len + 1);
	return 0;
}

static int
call_setxattr(struct gate *g, struct target t)
{
	const __u64 *a = g->req->data.args;
	const size_t len = (size_t)a[3];
	AUTO_FREE char *value = NULL;
	struct held h = { .fd = -1 };
	char name[XATTR_NAME_MAX + 1];
	int r = read_name(g, a[1], name);

	if (r == 0 && len > XATTR_SIZE_MAX)
		r = -E2BIG;
	if (r == 0) {
		value = mem_new(1, len + 1);
		r = value == NULL ? -ENOMEM : 0;
	}
	if (r == 0 && len > 0)
		r = gate_read(g, a[2], value, len);
	if (r == 0)
		r = hold(g, &t, &h);
	if (r == 0)
		r = setxattr(h.link, name, value, len, (int)a[4]) == 0 ? 0
								       : -errno;
	fd_closep(&h.fd);
	return r;
}

static int
call_removexattr(struct gate *g, struct target t)
{
	struct held h = { .fd = -1 };
	char name[XATTR_NAME_MAX + 1];
	int r = read_name(g, g->req->data.args[1], name);

	if (r == 0)
		r = hold(g, &t, &h);
	if (r == 0)
		r = removexattr(h.link, name) == 0 ? 0 : -errno;
	fd_closep(&h.fd);
	return r;
}

/* ---- the calls ----------------------------------------------------------- */

/* A path where there has to be one. */
static struct target
at_path(int dirfd, uint64_t path, int flags)
{
	return (struct target){
		.dirfd = dirfd,
		.path = path == 0 ? UINT64_MAX : path, /* EFAULT */
		.flags = flags,
	};
}

static struct target
at_fd(uint64_t fd)
{
	return (struct target){ .dirfd = (int)fd };
}

static int
call_xattr(struct gate *g)
{
	const __u64 *a = g->req->data.args;

	switch (g->req->data.nr) {
	case SYS_setxattr:
		return call_setxattr(g, at_path(AT_FDCWD, a[0], 0));
	case SYS_lsetxattr:
		return call_setxattr(
		    g, at_path(AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW));
	case SYS_fsetxattr:
		return call_setxattr(g, at_fd(a[0]));
	case SYS_removexattr:
		return call_removexattr(g, at_path(AT_FDCWD, a[0], 0));
	case SYS_lremovexattr:
		return call_removexattr(
		    g, at_path(AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW));
	default:
		return call_removexattr(g, at_fd(a[0]));
	}
}

#ifdef SYS_chmod
/* Calls that newer architectures do without. */
static int
call_old(struct gate *g)
{
	const __u64 *a = g->req->data.args;
	const struct target t = at_path(AT_FDCWD, a[0], 0);

	switch (g->req->data.nr) {
	case SYS_chmod:
		return call_chmod(g, t, (mode_t)a[1]);
	case SYS_chown:
		return call_chown(g, t, (uid_t)a[1], (gid_t)a[2]);
	case SYS_lchown:
		return call_chown(g,
		    at_path(AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW), (uid_t)a[1],
		    (gid_t)a[2]);
	case SYS_futimesat:
		return call_times(g,
		    a[1] == 0 ? at_fd(a[0]) : at_path((int)a[0], a[1], 0),
		    a[2]);
	case SYS_utime:
	case SYS_utimes:
		return call_times(g, t, a[1]);
	default:
		return call_xattr(g);
	}
}
#else
#define call_old call_xattr
#endif

int
gate_call_attr(struct gate *g)
{
	const __u64 *a = g->req->data.args;

	switch (g->req->data.nr) {
	case SYS_fchmod:
		return call_chmod(g, at_fd(a[0]), (mode_t)a[1]);
	case SYS_fchmodat:
		return call_chmod(g, at_path((int)a[0], a[1], 0), (mode_t)a[2]);
	case NR_FCHMODAT2:
		return call_chmod(
		    g, at_path((int)a[0], a[1], (int)a[3]), (mode_t)a[2]);
	case SYS_fchown:
		return call_chown(g, at_fd(a[0]), (uid_t)a[1], (gid_t)a[2]);
	case SYS_fchownat:
		return call_chown(g, at_path((int)a[0], a[1], (int)a[4]),
		    (uid_t)a[2], (gid_t)a[3]);
	case SYS_utimensat:
		return call_times(g,
		    a[1] == 0 ? at_fd(a[0])
			      : at_path((int)a[0], a[1], (int)a[3]),
		    a[2]);
	default:
		return call_old(g);
	}
}
