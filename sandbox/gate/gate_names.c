/*
 * Make, rename and link names on behalf of the run.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: nothing.  Owns: nothing beyond a call.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "gate/gate_int.h"

/* Later than the headers of Debian 12. */
#define MEMFD_NOEXEC_SEAL 8U
#define MEMFD_EXEC 16U

/* A path argument: the descriptor it is relative to, its address. */
struct argument {
	int dirfd;
	uint64_t path;
};

static struct argument
at_cwd(uint64_t path)
{
	return (struct argument){ .dirfd = AT_FDCWD, .path = path };
}

static struct argument
at_fd(uint64_t fd, uint64_t path)
{
	return (struct argument){ .dirfd = (int)fd, .path = path };
}

static int
resolve(struct gate *g, struct argument a, bool follow, struct gate_place *ret)
{
	char path[PATH_MAX];
	int r = gate_read_path(g, a.path, path);

	return r != 0 ? r : gate_resolve(g, a.dirfd, path, follow, ret);
}

static int
result(int r)
{
	return r == 0 ? 0 : -errno;
}

static bool
take_file(struct gate *g)
{
	if (g->files_left == 0) {
		gate_violation(g, "limit: new files in the workspace", NULL);
		return false;
	}
	g->files_left--;
	return true;
}

/* The kernel decides. */
static int
make_outside(struct gate *g, const struct gate_place *p)
{
	if (!p->exists)
		gate_note_outside(g, p);
	return GATE_NATIVE;
}

static int
call_mkdir(struct gate *g, struct argument where, mode_t mode)
{
	struct gate_place p = GATE_PLACE_INIT;
	int r = resolve(g, where, false, &p);

	if (r == 0 && p.root == NULL)
		r = make_outside(g, &p);
	else if (r == 0 && p.exists)
		r = -EEXIST;
	else if (r == 0 && !gate_permits(g, &p, GUARD_MKDIR))
		r = gate_denied(g, "create", &p);
	else if (r == 0 && !take_file(g))
		r = -EDQUOT;
	else if (r == 0)
		r = result(
		    mkdirat(p.parent, p.name, mode & 01777 & ~gate_umask(g)));
	gate_place_done(&p);
	return r;
}

static int
call_mknod(struct gate *g, struct argument where, mode_t mode)
{
	const mode_t type = mode & S_IFMT;
	struct gate_place p = GATE_PLACE_INIT;
	int r = resolve(g, where, false, &p);

	if (r == 0 && p.root == NULL)
		r = make_outside(g, &p);
	else if (r == 0 && p.exists)
		r = -EEXIST;
	else if (r == 0 && type != 0 && type != S_IFREG && type != S_IFIFO)
		r = -EPERM;
	else if (r == 0 &&
	    !gate_permits(g, &p, type == S_IFIFO ? GUARD_PLACE : GUARD_WRITE))
		r = gate_denied(g, "create", &p);
	else if (r == 0 && !take_file(g))
		r = -EDQUOT;
	else if (r == 0)
		r = result(mknodat(p.parent, p.name,
		    type | (mode & 0777 & ~gate_umask(g)), 0));
	gate_place_done(&p);
	return r;
}

static bool
link_may_be(const struct gate_place *p)
{
	return !p->root->guarded || guard_link_may_be(p->rel);
}

/* As git tries whether there are links. */
static bool
stays_beside(const char *target)
{
	return strchr(target, '/') == NULL && strcmp(target, "..") != 0;
}

/* What is at from keeps its kind under its other name. */
static bool
link_may_go(const struct gate_place *from, const struct gate_place *to)
{
	return !from->exists || !S_ISLNK(from->st.st_mode) || link_may_be(to);
}

static int
call_symlink(struct gate *g, uint64_t target, struct argument where)
{
	char to[PATH_MAX];
	struct gate_place p = GATE_PLACE_INIT;
	int r = gate_read_path(g, target, to);

	if (r == 0)
		r = resolve(g, where, false, &p);
	if (r == 0 && p.root == NULL)
		r = make_outside(g, &p);
	else if (r == 0 && p.exists)
		r = -EEXIST;
	else if (r == 0 &&
	    (!gate_permits(g, &p, GUARD_PLACE) ||
		(!stays_beside(to) && !link_may_be(&p))))
		r = gate_denied(g, "create", &p);
	else if (r == 0 && !take_file(g))
		r = -EDQUOT;
	else if (r == 0)
		r = result(symlinkat(to, p.parent, p.name));
	gate_place_done(&p);
	return r;
}

static bool
may_place(
    struct gate *g, const struct gate_place *from, const struct gate_place *to)
{
	return gate_permits(g, to, GUARD_PLACE) ||
	    (gate_permits_config(from, to) &&
		guard_check(&g->guard, to->rel, GUARD_PLACE) ==
		    GUARD_IF_CONFIG);
}

/* Both ends are known: 0 when the rename may be made. */
static int
judge_rename(struct gate *g, const struct gate_place *from,
    const struct gate_place *to, unsigned flags)
{
	if (from->root == NULL && to->root == NULL)
		return GATE_NATIVE;
	if (from->root == NULL || to->root == NULL)
		return -EXDEV;
	if (!from->exists)
		return -ENOENT;
	if ((flags & RENAME_WHITEOUT) != 0)
		return -EPERM;
	if (!gate_permits(g, from, GUARD_TAKE) || !gate_may_take(g, from))
		return gate_denied(g, "rename", from);
	if (!may_place(g, from, to) || !gate_may_go(from, to) ||
	    !link_may_go(from, to))
		return gate_denied(g, "rename to", to);
	if ((flags & RENAME_EXCHANGE) == 0)
		return 0;
	if (!gate_permits(g, to, GUARD_TAKE) || !gate_may_take(g, to))
		return gate_denied(g, "rename", to);
	if (!gate_permits(g, from, GUARD_PLACE) || !gate_may_go(to, from) ||
	    !link_may_go(to, from))
		return gate_denied(g, "rename to", from);
	return 0;
}

static int
call_rename(
    struct gate *g, struct argument old, struct argument new, unsigned flags)
{
	struct gate_place from = GATE_PLACE_INIT;
	struct gate_place to = GATE_PLACE_INIT;
	int r = resolve(g, old, false, &from);

	if (r == 0)
		r = resolve(g, new, false, &to);
	if (r == 0)
		r = judge_rename(g, &from, &to, flags);
	if (r == 0)
		r = result(renameat2(
		    from.parent, from.name, to.parent, to.name, flags));
	gate_place_done(&from);
	gate_place_done(&to);
	return r;
}

static int
judge_link(
    struct gate *g, const struct gate_place *from, const struct gate_place *to)
{
	if (from->root == NULL && to->root == NULL)
		return GATE_NATIVE;
	if (from->root == NULL || to->root == NULL)
		return -EXDEV;
	if (!from->exists)
		return -ENOENT;
	if (to->exists)
		return -EEXIST;
	if (S_ISDIR(from->st.st_mode))
		return -EPERM;
	if (!gate_permits(g, from, GUARD_TAKE) || !gate_may_take(g, from))
		return gate_denied(g, "link", from);
	if (!gate_permits(g, to, GUARD_PLACE) || !link_may_go(from, to))
		return gate_denied(g, "link to", to);
	return 0;
}

static int
call_link(
    struct gate *g, struct argument old, struct argument new, unsigned flags)
{
	struct gate_place from = GATE_PLACE_INIT;
	struct gate_place to = GATE_PLACE_INIT;
	int r = resolve(g, old, (flags & AT_SYMLINK_FOLLOW) != 0, &from);

	if (r == 0)
		r = resolve(g, new, false, &to);
	if (r == 0)
		r = judge_link(g, &from, &to);
	if (r == 0)
		r = result(
		    linkat(from.parent, from.name, to.parent, to.name, 0));
	/* Only a file whose every name this run made stays writable; a socket is
	 * its own when it has bound it. */
	if (r == 0 && from.st.st_nlink == 1 && S_ISREG(from.st.st_mode))
		gate_add_own(g, from.st.st_dev, from.st.st_ino);
	gate_place_done(&from);
	gate_place_done(&to);
	return r;
}

static int
call_fallocate(struct gate *g)
{
	const struct seccomp_data *d = &g->req->data;
	const uint64_t mode = d->args[1], len = d->args[3];

	/* Arguments in registers: what is counted is what happens. */
	if ((mode & ~(uint64_t)FALLOC_FL_KEEP_SIZE) != 0)
		return GATE_NATIVE;
	if (len > g->bytes_left) {
		gate_violation(g, "limit: disk use of the run", NULL);
		return -EDQUOT;
	}
	g->bytes_left -= len;
	return GATE_NATIVE;
}

/* Memory files cannot be executed: code comes from files that were seen. */
static int
call_memfd(struct gate *g)
{
	const struct seccomp_data *d = &g->req->data;
	const unsigned flags = (unsigned)d->args[1];
	char name[PATH_MAX];
	AUTO_FD int fd = -1;
	AUTO_FD int theirs = -1;
	int r = gate_read_path(g, d->args[0], name);

	if (r != 0)
		return r;
	if ((flags & MEMFD_EXEC) != 0) {
		gate_violation(g, "memory file for code", NULL);
		return -EACCES;
	}
	fd = memfd_create(name, flags | MEMFD_NOEXEC_SEAL | MFD_CLOEXEC);
	if (fd < 0 && errno == EINVAL) /* before 6.3 */
		fd = memfd_create(name, flags | MFD_CLOEXEC);
	if (fd >= 0 && g->memory != NULL)
		theirs = memory_keep(g->memory, fd);
	if (fd < 0 || (g->memory != NULL && theirs < 0))
		return -errno;
	gate_send_fd(g, theirs >= 0 ? theirs : fd, (flags & MFD_CLOEXEC) != 0);
	return GATE_SENT;
}

static bool
is_zeros(struct gate *g, int fd)
{
	char link[64], path[16];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%u/fd/%d", g->req->pid, fd);
	n = readlink(link, path, sizeof(path) - 1);
	return n == (ssize_t)strlen("/dev/zero") &&
	    memcmp(path, "/dev/zero", (size_t)n) == 0;
}

/* Shared memory without a file: its pages stay when they are let go of. */
static int
call_mmap(struct gate *g)
{
	const __u64 *a = g->req->data.args;
	const bool counts =
	    ((int)a[3] & MAP_ANONYMOUS) != 0 || is_zeros(g, (int)a[4]);

	/* Of a file: programs have their tables so. */
	if (!counts)
		return GATE_PLAIN;
	if (g->memory == NULL || memory_may_share(g->memory, a[1]))
		return GATE_NATIVE;
	gate_violation(g, "limit: shared memory", NULL);
	return -ENOMEM;
}

int
gate_call_names(struct gate *g)
{
	const struct seccomp_data *d = &g->req->data;
	const __u64 *a = d->args;

	switch (d->nr) {
	case SYS_mkdirat:
		return call_mkdir(g, at_fd(a[0], a[1]), (mode_t)a[2]);
	case SYS_mknodat:
		return call_mknod(g, at_fd(a[0], a[1]), (mode_t)a[2]);
	case SYS_renameat2:
		return call_rename(
		    g, at_fd(a[0], a[1]), at_fd(a[2], a[3]), (unsigned)a[4]);
	case SYS_linkat:
		return call_link(
		    g, at_fd(a[0], a[1]), at_fd(a[2], a[3]), (unsigned)a[4]);
	case SYS_symlinkat:
		return call_symlink(g, a[0], at_fd(a[1], a[2]));
	case SYS_memfd_create:
		return call_memfd(g);
	case SYS_mmap:
		return call_mmap(g);
	case SYS_fallocate:
		return call_fallocate(g);
#ifdef SYS_renameat
	case SYS_renameat:
		return call_rename(g, at_fd(a[0], a[1]), at_fd(a[2], a[3]), 0);
#endif
#ifdef SYS_open
	case SYS_mkdir:
		return call_mkdir(g, at_cwd(a[0]), (mode_t)a[1]);
	case SYS_mknod:
		return call_mknod(g, at_cwd(a[0]), (mode_t)a[1]);
	case SYS_rename:
		return call_rename(g, at_cwd(a[0]), at_cwd(a[1]), 0);
	case SYS_link:
		return call_link(g, at_cwd(a[0]), at_cwd(a[1]), 0);
	case SYS_symlink:
		return call_symlink(g, a[0], at_cwd(a[1]));
#endif
	default:
		return -EPERM;
	}
}
