/*
 * Find out where a path of the run leads, and hold on to the folder.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: nothing.  Owns: nothing beyond a call.
 */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "gate/gate_int.h"
#include "sys.h"

#define LINKS_MAX 40
#define PAGE ((uint64_t)4096)
#define STATUS_BYTES 1024
#define ENTRIES_MAX 1000 /* of a folder that is looked through */
#define CONFIG_BYTES_MAX 65536

void
gate_place_done(struct gate_place *p)
{
	fd_closep(&p->parent);
	p->parent = -1;
}

int
gate_read(struct gate *g, uint64_t address, void *to, size_t len)
{
	const struct iovec mine = { .iov_base = to, .iov_len = len };
	const struct iovec theirs = {
		/* An address in the caller's memory, not in ours. */
		.iov_base = (void *)(uintptr_t)address,
		.iov_len = len,
	};
	const ssize_t n =
	    process_vm_readv((pid_t)g->req->pid, &mine, 1, &theirs, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EFAULT;
}

/* Page by page, for the string may end just before a hole. */
int
gate_read_path(struct gate *g, uint64_t address, char *path)
{
	size_t have = 0;

	while (have < PATH_MAX) {
		size_t want = (size_t)(PAGE - (address + have) % PAGE);
		int r;

		if (want > PATH_MAX - have)
			want = PATH_MAX - have;
		r = gate_read(g, address + have, path + have, want);
		if (r != 0)
			return r;
		if (memchr(path + have, '\0', want) != NULL)
			return 0;
		have += want;
	}
	return -ENAMETOOLONG;
}

int
gate_folder(struct gate *g, int dirfd)
{
	char path[64];

	if (dirfd == AT_FDCWD)
		(void)snprintf(path, sizeof(path), "/proc/%u/cwd", g->req->pid);
	else
		(void)snprintf(
		    path, sizeof(path), "/proc/%u/fd/%d", g->req->pid, dirfd);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

long
gate_status(const struct gate *g, const char *field, int base)
{
	char path[64], text[STATUS_BYTES];
	AUTO_FD int fd = -1;
	const char *at;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%u/status", g->req->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	at = strstr(text, field);
	return at == NULL ? -1 : strtol(at + strlen(field), NULL, base);
}

mode_t
gate_umask(struct gate *g)
{
	const long umask = gate_status(g, "\nUmask:", 8);

	return umask < 0 ? 077 : (mode_t)umask & 0777;
}

static const struct gate_root *
find_root(const struct gate *g, const char *path)
{
	for (size_t i = 0; i < g->root_count; i++) {
		if (plan_path_within(path, g->roots[i].path))
			return &g->roots[i];
	}
	return NULL;
}

/* The name of the held folder now: what it is called, not what was asked. */
static int
locate(struct gate *g, struct gate_place *p)
{
	char link[64], path[PATH_MAX];
	ssize_t n;
	int len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", p->parent);
	n = readlink(link, path, sizeof(path) - 1);
	p->why = ENAMETOOLONG;
	if (n <= 0 || n == (ssize_t)sizeof(path) - 1)
		return GATE_NATIVE;
	path[n] = '\0';
	p->root = find_root(g, path);
	if (p->root == NULL) {
		(void)snprintf(p->rel, sizeof(p->rel), "%s", path);
		p->why = 0;
		return 0;
	}
	len = snprintf(p->rel, sizeof(p->rel), "%s%s%s",
	    path[p->root->len] == '\0' ? "" : path + p->root->len + 1,
	    path[p->root->len] == '\0' ? "" : "/", p->name);
	if (len < 0 || (size_t)len >= sizeof(p->rel))
		return GATE_NATIVE;
	p->why = 0;
	return 0;
}

/* Cuts path into a folder and a name; false when it has no name. */
static bool
cut(char *path, const char **ret_folder, const char **ret_name)
{
	size_t n = strlen(path);
	char *slash;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	*ret_name = slash == NULL ? path : slash + 1;
	*ret_folder = slash == NULL ? "." : slash == path ? "/" : path;
	if (slash != NULL && slash != path)
		*slash = '\0';
	n = strlen(*ret_name);
	return n > 0 && n <= NAME_MAX && strcmp(*ret_name, ".") != 0 &&
	    strcmp(*ret_name, "..") != 0;
}

bool
gate_is_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) != 0 || fs.f_type == PROC_SUPER_MAGIC;
}

/* One step: the folder is opened and the name looked at. 0, GATE_NATIVE. */
static int
step(int base, char *path, struct gate_place *p)
{
	const char *folder, *name;

	if (!cut(path, &folder, &name))
		return GATE_NATIVE;
	p->parent = sys_openat2(
	    base, folder, O_PATH | O_DIRECTORY, RESOLVE_NO_MAGICLINKS);
	if (p->parent < 0) {
		p->why = errno;
		return GATE_NATIVE;
	}
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	p->exists = fstatat(p->parent, name, &p->st, AT_SYMLINK_NOFOLLOW) == 0;
	if (p->exists || errno == ENOENT)
		return 0;
	p->why = errno;
	return GATE_NATIVE;
}

int
gate_resolve(struct gate *g, int dirfd, const char *path, bool follow,
    struct gate_place *ret)
{
	AUTO_FD int base = path[0] == '/' ? -1 : gate_folder(g, dirfd);

	ret->why = EBADF;
	if ((base < 0 && path[0] != '/') || !gate_valid(g))
		return GATE_NATIVE;
	ret->why = 0;
	return gate_resolve_from(g, base, path, follow, ret);
}

int
gate_resolve_from(struct gate *g, int dirfd, const char *path, bool follow,
    struct gate_place *ret)
{
	char at[PATH_MAX];
	AUTO_FD int base = path[0] == '/' ? open("/", O_PATH | O_CLOEXEC)
					  : fcntl(dirfd, F_DUPFD_CLOEXEC, 0);

	if (base < 0 || path[0] == '\0')
		return GATE_NATIVE;
	(void)snprintf(at, sizeof(at), "%s", path);
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		ssize_t n;

		gate_place_done(ret);
		if (step(base, at, ret) != 0)
			return GATE_NATIVE;
		if (!follow || !ret->exists || !S_ISLNK(ret->st.st_mode))
			return locate(g, ret);
		if (gate_is_proc(ret->parent))
			return GATE_NATIVE;
		n = readlinkat(ret->parent, ret->name, at, sizeof(at) - 1);
		if (n <= 0) {
			ret->why = ENOENT;
			return GATE_NATIVE;
		}
		at[n] = '\0';
		(void)close(base);
		base = at[0] == '/' ? open("/", O_PATH | O_CLOEXEC)
				    : fcntl(ret->parent, F_DUPFD_CLOEXEC, 0);
	}
	return GATE_NATIVE;
}

static bool
has_entry(int dirfd, const char *name)
{
	struct stat st;

	/* Cannot tell counts as there. */
	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	    errno != ENOENT;
}

/*
 * The text of a configuration that nobody has open for writing: a read lease
 * is refused while somebody does, and opening it again needs the gate.
 */
static bool
config_is_harmless(int dirfd, const char *name)
{
	AUTO_FD int fd =
	    openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	struct stat st;
	size_t have = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_nlink != 1 || st.st_size > CONFIG_BYTES_MAX)
		return false;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
		return false;
	text = mem_new(1, CONFIG_BYTES_MAX + 1);
	if (text == NULL)
		return false;
	while ((n = read(fd, text + have, CONFIG_BYTES_MAX + 1 - have)) > 0)
		have += (size_t)n;
	return n == 0 && have <= CONFIG_BYTES_MAX &&
	    guard_config_harmless(str_n(text, have));
}

/* True when every name in a folder passes; false where one cannot tell. */
static bool
each_passes(int dirfd, bool (*passes)(int dirfd, const char *name))
{
	_Alignas(8) char buf[8192];
	unsigned seen = 0;
	ssize_t n;

	while ((n = getdents64(dirfd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *d =
			    (const struct dirent64 *)(const void *)(buf + at);

			if (strcmp(d->d_name, ".") != 0 &&
			    strcmp(d->d_name, "..") != 0 &&
			    (!passes(dirfd, d->d_name) || ++seen > ENTRIES_MAX))
				return false;
			at += d->d_reclen;
		}
	}
	return n == 0;
}

static bool
is_harmless_hook(int dirfd, const char *name)
{
	(void)dirfd;
	return guard_hook_harmless(name);
}

static bool
hooks_are_harmless(int dirfd)
{
	AUTO_FD int fd = openat(
	    dirfd, "hooks", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? errno == ENOENT : each_passes(fd, is_harmless_hook);
}

/* A folder becomes a repository when it gets its HEAD. */
static bool
may_become_repository(int dirfd)
{
	struct stat st;

	/* It is one already. Not being able to tell is no such answer: whoever
	 * may search the folder again the next moment would be believed. */
	if (fstatat(dirfd, "HEAD", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	if (has_entry(dirfd, "commondir") || has_entry(dirfd, "gitdir") ||
	    has_entry(dirfd, "config.worktree"))
		return false;
	if (has_entry(dirfd, "config") && !config_is_harmless(dirfd, "config"))
		return false;
	return hooks_are_harmless(dirfd);
}

/*
 * A repository may say in "commondir" that its configuration is in the folder
 * two above: in another place that is another folder.
 */
static bool
points_nowhere(int dirfd, const char *name)
{
	AUTO_FD int fd =
	    openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP;
	return !has_entry(fd, "commondir") || !has_entry(fd, "HEAD");
}

static bool
may_be_moved(const struct gate_place *p)
{
	AUTO_FD int fd = -1;

	if (!points_nowhere(p->parent, p->name))
		return false;
	if (strcmp(p->name, "worktrees") != 0)
		return true;
	fd = openat(p->parent, p->name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && each_passes(fd, points_nowhere);
}

bool
gate_may_go(const struct gate_place *from, const struct gate_place *to)
{
	if (!from->exists || !S_ISDIR(from->st.st_mode) || !from->root->guarded)
		return true;
	return guard_folder_may_go(from->rel, to->rel) && may_be_moved(from);
}

static bool
in_repository(const struct gate_place *p)
{
	return has_entry(p->parent, "HEAD") ||
	    strstr(p->rel, ".git/") == p->rel ||
	    strstr(p->rel, "/.git/") != NULL;
}

bool
gate_permits(
    const struct gate *g, const struct gate_place *p, enum guard_act act)
{
	if (p->root == NULL)
		return false;
	if (!p->root->guarded)
		return true;
	switch (guard_check(&g->guard, p->rel, act)) {
	case GUARD_OK:
		return true;
	case GUARD_IF_NO_GITDIR:
		return !has_entry(p->parent, "HEAD");
	case GUARD_IF_NO_HOOK:
		return !has_entry(p->parent, "../HEAD");
	case GUARD_IF_CONFIG:
		return !in_repository(p);
	case GUARD_IF_HEAD:
		return may_become_repository(p->parent) || gate_is_worktree(p);
	case GUARD_IF_WORKTREE: /* by gate_worktree alone */
	case GUARD_DENIED:
		break;
	}
	return false;
}

static bool
same_folder(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

bool
gate_permits_config(const struct gate_place *from, const struct gate_place *to)
{
	return strcmp(to->name, "config") == 0 &&
	    strcmp(from->name, "config.lock") == 0 &&
	    same_folder(from->parent, to->parent) &&
	    config_is_harmless(from->parent, from->name);
}

int
gate_denied(struct gate *g, const char *what, const struct gate_place *p)
{
	gate_violation(g, what, p->rel);
	return -EACCES;
}

/* Programs try to keep caches beside themselves: that is no news. */
static bool
is_system(const char *path)
{
	for (size_t i = 0; profile_system[i] != NULL; i++) {
		if (plan_path_within(path, profile_system[i]))
			return true;
	}
	return false;
}

void
gate_note_outside(struct gate *g, const struct gate_place *p)
{
	char path[2 * PATH_MAX];

	if (faccessat(p->parent, ".", W_OK, AT_EACCESS) == 0 ||
	    (errno != EROFS && is_system(p->rel)))
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", p->rel, p->name);
	gate_violation(g, "write outside the workspace:", path);
}
