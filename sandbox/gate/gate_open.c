/*
 * Open files for writing on behalf of the run.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: nothing.  Owns: nothing beyond a call.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/num.h"
#include "init/family.h"
#include "gate/gate_int.h"

struct opening {
	int dirfd;
	char path[PATH_MAX];
	int flags;
	mode_t mode;
	bool truncate; /* truncate(2): no descriptor is wanted */
	off_t length;
};

bool
gate_is_open(int nr)
{
	switch (nr) {
	case SYS_openat:
	case SYS_truncate:
#ifdef SYS_open
	case SYS_open:
	case SYS_creat:
#endif
		return true;
	default:
		return false;
	}
}

static int
read_call(struct gate *g, struct opening *o)
{
	const struct seccomp_data *d = &g->req->data;
	uint64_t path = d->args[0];

	o->dirfd = AT_FDCWD;
	switch (d->nr) {
	case SYS_openat:
		o->dirfd = (int)d->args[0];
		path = d->args[1];
		o->flags = (int)d->args[2];
		o->mode = (mode_t)d->args[3];
		break;
	case SYS_truncate:
		o->flags = O_WRONLY;
		o->truncate = true;
		o->length = (off_t)d->args[1];
		break;
#ifdef SYS_open
	case SYS_creat:
		o->flags = O_CREAT | O_WRONLY | O_TRUNC;
		o->mode = (mode_t)d->args[1];
		break;
	default:
		o->flags = (int)d->args[1];
		o->mode = (mode_t)d->args[2];
		break;
#endif
	}
	return gate_read_path(g, path, o->path);
}

/*
 * Landlock before Linux 6.2 does not hold what cuts a file short, so a program
 * that swaps the path in that instant would reach every file of its user. The
 * kernel never does it by itself: opened to be written a file is held anyway,
 * all else is refused or done here.
 */
static bool
cuts_unwritten(const struct opening *o)
{
	const int access = o->flags & O_ACCMODE;

	return (o->flags & O_TRUNC) != 0 && access != O_WRONLY &&
	    access != O_RDWR;
}

/* Shells open these each time; nothing of them is the run's. Whatever path
 * the kernel finds there then, the domain decides. A name that is made in
 * their place shows in its folder's times; a file without a name would not. */
bool
gate_opens_node(struct gate *g)
{
	static const char *const nodes[] = { "/dev/null", "/dev/tty" };
	struct opening o = { .flags = 0 };
	bool is = false;

	if (!gate_is_open(g->req->data.nr) || read_call(g, &o) != 0 ||
	    o.truncate || cuts_unwritten(&o) || (o.flags & O_DIRECTORY) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		is = is || strcmp(o.path, nodes[i]) == 0;
	return is;
}

static bool
writes(const struct opening *o)
{
	return (o->flags & O_ACCMODE) != O_RDONLY || (o->flags & O_TRUNC) != 0;
}

/* A file that also has a name elsewhere is a way out of the workspace. */
static bool
is_shared(const struct gate *g, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink > 1 &&
	    !gate_is_own(g, st->st_dev, st->st_ino);
}

static int
finish(struct gate *g, const struct opening *o, int fd)
{
	if (o->truncate)
		return ftruncate(fd, o->length) == 0 ? 0 : -errno;
	gate_send_fd(g, fd, (o->flags & O_CLOEXEC) != 0);
	return GATE_SENT;
}

/* What the run writes there is gone. */
static int
open_nowhere(struct gate *g, const struct opening *o)
{
	AUTO_FD int fd = open("/dev/null", (o->flags & O_ACCMODE) | O_CLOEXEC);

	return fd < 0 || o->truncate ? -EACCES : finish(g, o, fd);
}

/*
 * git says in a file where a worktree's repository is. What is written there
 * is the gate's, and what the run writes goes nowhere.
 */
static int
open_pointer(
    struct gate *g, const struct opening *o, const struct gate_place *p)
{
	AUTO_FD int fd = -1;
	char text[PATH_MAX];
	bool own = false;

	if (!gate_worktree(g, p, text, &own))
		return gate_denied(g, "create", p);
	fd = openat(p->parent, p->name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    o->mode & 0666 & ~gate_umask(g));
	if (fd < 0)
		return -errno;
	g->files_left--;
	if (own)
		return finish(g, o, fd);
	if (fdio_write_all(fd, text, strlen(text), NULL) != 0) {
		(void)unlinkat(p->parent, p->name, 0);
		return -EIO;
	}
	return open_nowhere(g, o);
}

static int
open_new(struct gate *g, const struct opening *o, const struct gate_place *p)
{
	const int flags = o->flags | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	AUTO_FD int fd = -1;

	if ((o->flags & O_CREAT) == 0)
		return -ENOENT;
	if (g->files_left == 0) {
		gate_violation(g, "limit: new files in the workspace", NULL);
		return -EDQUOT;
	}
	if (!gate_permits(g, p, GUARD_WRITE))
		return open_pointer(g, o, p);
	fd = openat(p->parent, p->name, flags, o->mode & 0777 & ~gate_umask(g));
	if (fd < 0)
		return -errno;
	g->files_left--;
	return finish(g, o, fd);
}

/*
 * Where a profile denies names, also those that appear while a run is under
 * way: what was judged is what is opened.
 */
static int
open_to_read(
    struct gate *g, const struct opening *o, const struct gate_place *p)
{
	const int flags =
	    (o->flags & ~(O_CREAT | O_EXCL)) | O_NOFOLLOW | O_CLOEXEC;
	AUTO_FD int fd = -1;

	if (g->guard.deny_count == 0 || !p->root->guarded)
		return GATE_NATIVE;
	if (!gate_permits(g, p, GUARD_READ))
		return gate_denied(g, "read", p);
	fd = openat(p->parent, p->name, flags);
	return fd < 0 ? -errno : finish(g, o, fd);
}

static int
open_file(struct gate *g, const struct opening *o, const struct gate_place *p)
{
	const int flags =
	    (o->flags & ~(O_CREAT | O_EXCL | O_TRUNC)) | O_NOFOLLOW | O_CLOEXEC;
	AUTO_FD int fd = -1;
	struct stat st;

	if (!writes(o))
		return open_to_read(g, o, p);
	if (!gate_permits(g, p, GUARD_WRITE))
		return gate_is_common(g, p) ? open_nowhere(g, o)
					    : gate_denied(g, "write", p);
	if ((o->flags & O_ACCMODE) == O_RDONLY)
		return -EACCES; /* O_TRUNC without the right to write */
	fd = openat(p->parent, p->name, flags | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return -EACCES;
	if (is_shared(g, &st))
		return gate_denied(g, "write to a hard link", p);
	if ((o->flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags) != 0)
		return -errno;
	if ((o->flags & O_TRUNC) != 0 && ftruncate(fd, 0) != 0)
		return -errno;
	return finish(g, o, fd);
}

/* Opening a pipe waits for its other end, so somebody else waits. */
static int
open_pipe(struct gate *g, const struct opening *o, const struct gate_place *p)
{
	struct stat st;
	int answer, fd;

	if (!gate_fork(g, &answer))
		return answer;
	fd = openat(p->parent, p->name,
	    (o->flags & ~(O_CREAT | O_EXCL | O_TRUNC)) | O_NOFOLLOW |
		O_CLOEXEC);
	if (fd < 0)
		gate_send(g, -errno, 0, false);
	/* While this process was held up another file may have come there. */
	else if (fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode))
		gate_send(g, -EACCES, 0, false);
	else
		gate_send_fd(g, fd, (o->flags & O_CLOEXEC) != 0);
	_exit(0);
}

static int
open_existing(
    struct gate *g, const struct opening *o, const struct gate_place *p)
{
	if ((o->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	switch (p->st.st_mode & S_IFMT) {
	case S_IFREG:
		return open_file(g, o, p);
	case S_IFDIR:
		if (!writes(o) && (o->flags & O_CREAT) == 0)
			return gate_permits(g, p, GUARD_READ)
			    ? (int)GATE_NATIVE
			    : gate_denied(g, "read", p);
		return (o->flags & O_TMPFILE) == O_TMPFILE ? -EOPNOTSUPP
							   : -EISDIR;
	case S_IFIFO:
		return o->truncate ? -EINVAL : open_pipe(g, o, p);
	case S_IFLNK:
		return -ELOOP;
	default:
		return -ENXIO;
	}
}

/* "/dev/stdout" and "/proc/self/fd/1": the number, or -1. */
int
gate_descriptor(const struct gate *g, const char *path)
{
	static const char *const prefixes[] = {
		"/proc/self/fd/",
		"/proc/thread-self/fd/",
		"/dev/fd/",
	};
	char own[48];
	uint64_t n;

	if (strcmp(path, "/dev/stdin") == 0)
		return 0;
	if (strcmp(path, "/dev/stdout") == 0)
		return 1;
	if (strcmp(path, "/dev/stderr") == 0)
		return 2;
	(void)snprintf(own, sizeof(own), "/proc/%u/fd/", g->req->pid);
	for (size_t i = 0; i <= ARRAY_LEN(prefixes); i++) {
		const char *prefix =
		    i < ARRAY_LEN(prefixes) ? prefixes[i] : own;
		const size_t len = strlen(prefix);

		if (strncmp(path, prefix, len) == 0 &&
		    num_parse_u64(str_of(path + len), 0, 1U << 20, &n) == 0)
			return (int)n;
	}
	return -1;
}

static bool
judges(const struct gate *g, const struct opening *o)
{
	return g->guard.deny_count > 0 && (o->flags & O_ACCMODE) == O_RDONLY;
}

/* What a link of /proc leads to, by the name that the kernel tells. */
static int
open_target(struct gate *g, const struct opening *o, const char *path)
{
	struct gate_place place = GATE_PLACE_INIT;
	int r = gate_resolve(g, AT_FDCWD, path, false, &place);

	if (r == 0 && place.root != NULL && place.exists &&
	    S_ISREG(place.st.st_mode))
		r = open_file(g, o, &place);
	else if (r == 0 && judges(g, o) && place.root != NULL &&
	    place.root->guarded && !place.exists)
		r = gate_denied(g, "read what is gone:", &place);
	else
		r = GATE_NATIVE;
	gate_place_done(&place);
	return r;
}

/* Opens again what the run holds open: judged by the name it has now. */
static int
open_again(struct gate *g, const struct opening *o, int number)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(
	    link, sizeof(link), "/proc/%u/fd/%d", g->req->pid, number);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return judges(g, o) ? -EACCES : (int)GATE_NATIVE;
	if (path[0] != '/')
		return GATE_NATIVE; /* a pipe or a socket */
	path[n] = '\0';
	return open_target(g, o, path);
}

/* To the gate, /proc/self would be the gate. */
void
gate_name_caller(const struct gate *g, char path[static PATH_MAX])
{
	static const char *const names[] = {
		"/proc/self/",
		"/proc/thread-self/",
	};
	char copy[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const size_t len = strlen(names[i]);

		if (strncmp(path, names[i], len) == 0 &&
		    snprintf(copy, sizeof(copy), "/proc/%u/%s", g->req->pid,
			path + len) < (int)sizeof(copy)) {
			memcpy(path, copy, strlen(copy) + 1);
			return;
		}
	}
}

/* A link of /proc leads anywhere. The gate's own never is what is meant. */
static int
follow_proc(struct gate *g, const struct opening *o, const struct gate_place *p)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", p->parent);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return -EACCES;
	path[n] = '\0';
	if (plan_path_within(path, "/proc/1"))
		return -EACCES;
	n = readlinkat(p->parent, p->name, path, sizeof(path) - 1);
	if (n <= 0)
		return -EACCES;
	path[n] = '\0';
	return path[0] == '/' ? open_target(g, o, path) : (int)GATE_NATIVE;
}

/*
 * Where a profile denies names, the kernel does not go on by itself on a way
 * that the gate could not follow: no domain stands behind what is read.
 */
static int
judge_way(
    struct gate *g, const struct opening *o, int r, const struct gate_place *p)
{
	if (r == GATE_NATIVE && p->why == ELOOP) {
		gate_violation(g, "read through /proc:", o->path);
		return -EACCES;
	}
	if (r == GATE_NATIVE && p->why != 0)
		return -p->why;
	if (p->parent < 0 || !gate_is_proc(p->parent))
		return r;
	if (!p->exists)
		return -ENOENT;
	return S_ISLNK(p->st.st_mode) && (o->flags & O_NOFOLLOW) == 0
	    ? follow_proc(g, o, p)
	    : r;
}

/* The kernel refuses these by itself; the person is told why. */
static void
note_outside(
    struct gate *g, const struct opening *o, const struct gate_place *p)
{
	if (!writes(o) && (p->exists || (o->flags & O_CREAT) == 0))
		return;
	if (!p->exists || S_ISREG(p->st.st_mode))
		gate_note_outside(g, p);
}

/* Without a process namespace /proc shows all processes: those of the run are
 * opened here, and no other is. */
static int
open_process(
    struct gate *g, const struct opening *o, const struct gate_place *p)
{
	AUTO_FD int fd = -1;

	if (strncmp(p->rel, "/proc/", 6) != 0 || p->rel[6] < '1' ||
	    p->rel[6] > '9' || !p->exists || !S_ISREG(p->st.st_mode))
		return GATE_NATIVE;
	if (writes(o) || !family_has((pid_t)strtol(p->rel + 6, NULL, 10)))
		return -EACCES;
	fd = openat(p->parent, p->name,
	    (o->flags & ~(O_CREAT | O_EXCL)) | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : finish(g, o, fd);
}

/* The kernel goes on; where there are no mounts, a few things are here. */
static int
open_outside(
    struct gate *g, const struct opening *o, const struct gate_place *p)
{
	note_outside(g, o, p);
	if (g->plan == NULL || gate_is_private(g, p->rel))
		return GATE_NATIVE;
	/* An old Landlock lets files be cut short. */
	if (writes(o) && p->exists && S_ISREG(p->st.st_mode))
		return -EACCES;
	return gate_is_proc(p->parent) ? open_process(g, o, p)
				       : (int)GATE_NATIVE;
}

/* truncate(2) of what is the run's own. */
static int
cut_outside(struct gate *g, const struct opening *o, const struct gate_place *p)
{
	AUTO_FD int fd = -1;
	struct stat st;

	note_outside(g, o, p);
	if (!p->exists)
		return -ENOENT;
	if (!S_ISREG(p->st.st_mode))
		return S_ISDIR(p->st.st_mode) ? -EISDIR : -EINVAL;
	if (p->st.st_dev != g->tmp_dev && !gate_is_private(g, p->rel))
		return -EACCES;
	fd = openat(
	    p->parent, p->name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_dev != p->st.st_dev)
		return -EACCES;
	return finish(g, o, fd);
}

static int
not_by_itself(const struct opening *o, int r, int why)
{
	if (!o->truncate || r != GATE_NATIVE)
		return r;
	return why != 0 ? -why : -EACCES;
}

int
gate_call_open(struct gate *g)
{
	struct opening o = { .flags = 0 };
	struct gate_place place = GATE_PLACE_INIT;
	int r = read_call(g, &o);
	int number;

	if (r != 0)
		return r;
	if ((o.flags & O_PATH) != 0)
		return GATE_NATIVE;
	if (cuts_unwritten(&o))
		return -EACCES;
	number = gate_descriptor(g, o.path);
	if (number >= 0)
		return not_by_itself(&o, open_again(g, &o, number), EINVAL);
	if (judges(g, &o))
		gate_name_caller(g, o.path);
	r = gate_resolve(g, o.dirfd, o.path,
	    (o.flags & O_NOFOLLOW) == 0 &&
		(o.flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL),
	    &place);
	if (judges(g, &o))
		r = judge_way(g, &o, r, &place);
	/* Of "." and the like: as of a folder with a name. */
	if (r == GATE_NATIVE && (o.flags & O_TMPFILE) == O_TMPFILE)
		r = -EOPNOTSUPP;
	if (r == 0 && place.root == NULL) {
		r = o.truncate ? cut_outside(g, &o, &place)
			       : open_outside(g, &o, &place);
	} else if (r == 0) {
		r = place.exists ? open_existing(g, &o, &place)
				 : open_new(g, &o, &place);
	}
	gate_place_done(&place);
	return not_by_itself(&o, r, place.why);
}
