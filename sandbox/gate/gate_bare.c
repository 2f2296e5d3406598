/*
 * Remove names, change modes and times, and judge signals, where no mount and
 * no process namespace does.
 * Runs in: assent-exec, as the first process of a run without namespaces.
 * Trusts: nothing.  Owns: nothing beyond a call.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "init/family.h"
#include "gate/gate_int.h"
#include "sys.h"

#define NR_FCHMODAT2 452
#define SET_ID_BITS 06000U
#define MODE_BITS 01777U

/* What is to be changed: by descriptor, by path, or both. */
struct target {
	int dirfd;
	uint64_t path; /* 0: the descriptor itself */
	bool follow;
};

bool
gate_is_bare(int nr)
{
	switch (nr) {
	case SYS_unlinkat:
	case SYS_fchmod:
	case SYS_fchmodat:
	case NR_FCHMODAT2:
	case SYS_utimensat:
	case SYS_kill:
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
#ifdef SYS_unlink
	case SYS_unlink:
	case SYS_rmdir:
	case SYS_chmod:
	case SYS_utime:
	case SYS_utimes:
	case SYS_futimesat:
#endif
		return true;
	default:
		return false;
	}
}

/* Where the run may do as it likes: below the folder for temporary files. */
static bool
is_temporary(const struct gate *g, const struct gate_place *p)
{
	return p->root == NULL && gate_is_private(g, p->rel);
}

/* A name that mounts would hold, or a folder on the way to one. */
static bool
is_held(const struct gate *g, const struct gate_place *p)
{
	char path[2 * PATH_MAX];

	if (p->root == NULL)
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s", p->root->path, p->rel);
	for (size_t i = 0; i < g->plan->op_count; i++) {
		const struct op *op = &g->plan->ops[i];

		if ((op->kind == OP_PROTECT || op->kind == OP_PIN_NAME ||
			op->kind == OP_MASK) &&
		    plan_path_within(op->path, path))
			return true;
	}
	return false;
}

bool
gate_may_take(const struct gate *g, const struct gate_place *p)
{
	return g->plan == NULL || !is_held(g, p);
}

static int
call_unlink(struct gate *g, int dirfd, uint64_t address, int flags)
{
	struct gate_place p = GATE_PLACE_INIT;
	char path[PATH_MAX];
	int r = gate_read_path(g, address, path);

	if (r == 0)
		r = gate_resolve(g, dirfd, path, false, &p);
	if (r == GATE_NATIVE)
		r = p.why != 0 ? -p.why : -EACCES;
	else if (r == 0 && !p.exists)
		r = -ENOENT;
	else if (r == 0 && !is_temporary(g, &p) &&
	    (!gate_permits(g, &p, GUARD_TAKE) || !gate_may_take(g, &p)))
		r = p.root == NULL ? -EACCES : gate_denied(g, "remove", &p);
	if (r == 0)
		r = unlinkat(p.parent, p.name, flags & AT_REMOVEDIR) == 0
		    ? 0
		    : -errno;
	gate_place_done(&p);
	return r;
}

/* The thing itself, held open, when the run may change it; or -errno. */
static int
open_target(struct gate *g, const struct target *t, struct gate_place *p)
{
	char path[PATH_MAX];
	int r, fd;

	if (t->path != 0) {
		r = gate_read_path(g, t->path, path);
	} else {
		/* By the name that the kernel tells of it now. */
		char link[64];
		ssize_t n;

		(void)snprintf(link, sizeof(link), "/proc/%u/fd/%d",
		    g->req->pid, t->dirfd);
		n = readlink(link, path, sizeof(path) - 1);
		r = n <= 0 || path[0] != '/' ? -EPERM : 0;
		path[n > 0 ? n : 0] = '\0';
	}
	if (r == 0)
		r = gate_resolve(g, t->dirfd, path, t->follow, p);
	if (r == GATE_NATIVE)
		return p->why != 0 ? -p->why : -EACCES;
	if (r != 0)
		return r;
	if (!p->exists)
		return -ENOENT;
	if (!is_temporary(g, p) &&
	    (!gate_permits(g, p, GUARD_WRITE) || !g->plan->write))
		return p->root == NULL
		    ? -EPERM
		    : gate_denied(g, "change the mode or times of", p);
	if (S_ISREG(p->st.st_mode) && p->st.st_nlink > 1 &&
	    !gate_is_own(g, p->st.st_dev, p->st.st_ino) && !is_temporary(g, p))
		return gate_denied(g, "change a hard link", p);
	fd = sys_openat2(
	    p->parent, p->name, O_PATH | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS);
	return fd < 0 ? -errno : fd;
}

static int
call_chmod(struct gate *g, struct target t, mode_t mode)
{
	struct gate_place p = GATE_PLACE_INIT;
	AUTO_FD int fd = open_target(g, &t, &p);
	char link[64];
	int r = fd < 0 ? fd : 0;

	if (r == 0 && S_ISLNK(p.st.st_mode))
		r = -EOPNOTSUPP;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (r == 0 && (mode & SET_ID_BITS) != 0)
		r = -EPERM;
	if (r == 0)
		r = chmod(link, mode & MODE_BITS) == 0 ? 0 : -errno;
	gate_place_done(&p);
	return r;
}

static int
call_utime(struct gate *g, struct target t, const struct timespec *to)
{
	struct gate_place p = GATE_PLACE_INIT;
	AUTO_FD int fd = open_target(g, &t, &p);
	int r = fd < 0 ? fd : 0;

	if (r == 0)
		r = utimensat(p.parent, p.name, to, AT_SYMLINK_NOFOLLOW) == 0
		    ? 0
		    : -errno;
	gate_place_done(&p);
	return r;
}

/* The three forms of two times; an address of zero means now. */
static int
read_times(struct gate *g, uint64_t address, struct timespec to[2])
{
	struct timeval values[2];
	long seconds[2];
	int r = 0;

	to[0] = to[1] = (struct timespec){ .tv_nsec = UTIME_NOW };
	if (address == 0)
		return 0;
	if (g->req->data.nr == SYS_utimensat)
		return gate_read(g, address, to, 2 * sizeof(*to));
#ifdef SYS_utime
	if (g->req->data.nr == SYS_utime) {
		r = gate_read(g, address, seconds, sizeof(seconds));
		for (int i = 0; r == 0 && i < 2; i++)
			to[i] = (struct timespec){ .tv_sec = seconds[i] };
		return r;
	}
#endif
	r = gate_read(g, address, values, sizeof(values));
	for (int i = 0; r == 0 && i < 2; i++)
		to[i] = (struct timespec){
			.tv_sec = values[i].tv_sec,
			.tv_nsec = values[i].tv_usec * 1000,
		};
	return r;
}

static int
call_times(struct gate *g, struct target t, uint64_t address)
{
	struct timespec to[2];
	const int r = read_times(g, address, to);

	return r == 0 ? call_utime(g, t, to) : r;
}

/* A group is known by its leader, our own by being ours. */
static int
call_signal(struct gate *g)
{
	const __u64 *a = g->req->data.args;
	int pid = (int)a[0];

	if (pid == 0 && g->req->data.nr == SYS_kill)
		return GATE_NATIVE;
	if (pid < 0)
		pid = pid == -1 || pid == INT32_MIN ? 0 : -pid;
	if (pid > 1 && family_has(pid))
		return GATE_NATIVE;
	gate_violation(g, "signal to a process outside", NULL);
	return -EPERM;
}

int
gate_call_bare(struct gate *g)
{
	const __u64 *a = g->req->data.args;
	const bool follow = ((int)a[3] & AT_SYMLINK_NOFOLLOW) == 0;

	switch (g->req->data.nr) {
	case SYS_unlinkat:
		return call_unlink(g, (int)a[0], a[1], (int)a[2]);
	case SYS_fchmod:
		return call_chmod(
		    g, (struct target){ .dirfd = (int)a[0] }, (mode_t)a[1]);
	case SYS_fchmodat:
		return call_chmod(
		    g, (struct target){ (int)a[0], a[1], true }, (mode_t)a[2]);
	case NR_FCHMODAT2:
		return call_chmod(g, (struct target){ (int)a[0], a[1], follow },
		    (mode_t)a[2]);
	case SYS_utimensat:
		return call_times(
		    g, (struct target){ (int)a[0], a[1], follow }, a[2]);
#ifdef SYS_unlink
	case SYS_unlink:
		return call_unlink(g, AT_FDCWD, a[0], 0);
	case SYS_rmdir:
		return call_unlink(g, AT_FDCWD, a[0], AT_REMOVEDIR);
	case SYS_chmod:
		return call_chmod(
		    g, (struct target){ AT_FDCWD, a[0], true }, (mode_t)a[1]);
	case SYS_utime:
	case SYS_utimes:
		return call_times(
		    g, (struct target){ AT_FDCWD, a[0], true }, a[1]);
	case SYS_futimesat:
		return call_times(
		    g, (struct target){ (int)a[0], a[1], true }, a[2]);
#endif
	default:
		return call_signal(g);
	}
}
