/*
 * Let `git worktree add` link a folder of the workspace to its repository.
 *
 * git obeys three files there: "commondir" says whose settings and hooks
 * count, ".git" which folder is the repository's, "gitdir" where the worktree
 * is. The first two can say one thing only, so the gate writes them.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: nothing.  Owns: nothing beyond a call.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "gate/gate_int.h"

#define COMMON "../.."
#define ENTRIES_MAX 1000
#define LIST ".git/worktrees"

static bool
is_missing(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 &&
	    errno == ENOENT;
}

/* The only line of a file that has no other name. */
static bool
read_line(int dirfd, const char *name, char line[static PATH_MAX])
{
	AUTO_FD int fd =
	    openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_nlink != 1)
		return false;
	n = read(fd, line, PATH_MAX - 1);
	if (n <= 0 || n == PATH_MAX - 1)
		return false;
	if (line[n - 1] == '\n')
		n--;
	line[n] = '\0';
	return strlen(line) == (size_t)n && strchr(line, '\n') == NULL;
}

static bool
is_common(int dirfd)
{
	char line[PATH_MAX];

	return read_line(dirfd, "commondir", line) && strcmp(line, COMMON) == 0;
}

/* Nothing of its own that git would obey. */
static bool
is_bare_of_settings(int dirfd)
{
	return is_missing(dirfd, "config") && is_missing(dirfd, "hooks") &&
	    is_missing(dirfd, "config.worktree");
}

/* ".git/worktrees/NAME/..." of the repository at the top. */
static bool
is_in_list(const char *rel)
{
	const size_t len = strlen(LIST "/");
	const char *at =
	    strncmp(rel, LIST "/", len) == 0 ? strchr(rel + len, '/') : NULL;

	return at != NULL && strchr(at + 1, '/') == NULL;
}

bool
gate_is_worktree(const struct gate_place *p)
{
	return is_in_list(p->rel) && is_common(p->parent) &&
	    is_bare_of_settings(p->parent);
}

bool
gate_worktree_path(int list, const char *name, char path[static PATH_MAX])
{
	AUTO_FD int fd =
	    openat(list, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && read_line(fd, "gitdir", path);
}

/* The entry says that it is the repository of the worktree at path, and has
 * just been made. */
static bool
is_of(int list, const char *name, const char *path)
{
	AUTO_FD int fd =
	    openat(list, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char line[PATH_MAX];

	return fd >= 0 && read_line(fd, "gitdir", line) &&
	    strcmp(line, path) == 0 && is_missing(fd, "HEAD") &&
	    is_bare_of_settings(fd) &&
	    (is_missing(fd, "commondir") || is_common(fd));
}

/* The name that the repository at the top of root has for path. */
static bool
find_entry(int list, const char *path, char name[static NAME_MAX + 1])
{
	_Alignas(8) char buf[8192];
	unsigned seen = 0;
	ssize_t n;

	while ((n = getdents64(list, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n; seen++) {
			const struct dirent64 *d =
			    (const struct dirent64 *)(const void *)(buf + at);

			if (seen == ENTRIES_MAX)
				return false;
			if (d->d_name[0] != '.' && is_of(list, d->d_name, path))
				return snprintf(name, NAME_MAX + 1, "%s",
					   d->d_name) <= NAME_MAX;
			at += d->d_reclen;
		}
	}
	return false;
}

static bool
link_text(const struct gate_place *p, char text[static PATH_MAX])
{
	AUTO_FD int top =
	    open(p->root->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_FD int git =
	    openat(top, ".git", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_FD int list = openat(
	    git, "worktrees", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[PATH_MAX], name[NAME_MAX + 1];
	int n;

	n = snprintf(path, sizeof(path), "%s/%s", p->root->path, p->rel);
	if (list < 0 || n < 0 || (size_t)n >= sizeof(path) ||
	    !find_entry(list, path, name))
		return false;
	n = snprintf(
	    text, PATH_MAX, "gitdir: %s/" LIST "/%s\n", p->root->path, name);
	return n > 0 && n < PATH_MAX;
}

static bool
may_link(const struct gate *g, const struct gate_place *p)
{
	/* Hooks and filters by a relative name would be the worktree's. */
	return p->root == g->roots && p->root->guarded && !g->obeys &&
	    guard_check(&g->guard, p->rel, GUARD_WRITE) == GUARD_IF_WORKTREE;
}

bool
gate_is_common(const struct gate *g, const struct gate_place *p)
{
	return may_link(g, p) && is_in_list(p->rel) &&
	    strcmp(p->name, "commondir") == 0 && is_common(p->parent);
}

/* git makes HEAD before it: from here on it is a repository's worktree. */
static bool
make_common(struct gate *g, int dirfd)
{
	AUTO_FD int fd = openat(dirfd, "commondir",
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0666 & ~gate_umask(g));

	if (fd >= 0)
		return fdio_write_all(
			   fd, COMMON "\n", strlen(COMMON "\n"), NULL) == 0;
	return errno == EEXIST && is_common(dirfd);
}

bool
gate_worktree(struct gate *g, const struct gate_place *p,
    char text[static PATH_MAX], bool *ret_own)
{
	if (!may_link(g, p))
		return false;
	if (strcmp(p->name, ".git") == 0)
		return link_text(p, text);
	if (!is_in_list(p->rel))
		return false;
	*ret_own = strcmp(p->name, "gitdir") == 0;
	(void)snprintf(text, PATH_MAX, COMMON "\n");
	return !*ret_own || make_common(g, p->parent);
}
