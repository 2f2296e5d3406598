/*
 * Walk a folder of somebody else's making.
 * Runs in: assent-exec, with the caller's rights.  Trusts: no name in it.
 * Owns: nothing.
 */
#include "root/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 64

struct walk {
	size_t left;
	tree_fn *fn;
	void *ctx;
};

static int walk_folder(
    struct walk *w, int fd, const char *rel, unsigned depth, struct err *e);

static int
walk_entry(struct walk *w, int dirfd, const char *rel, const char *name,
    unsigned depth, struct err *e)
{
	char path[PATH_MAX];
	struct stat st;
	const struct tree_entry t = {
		.rel = path,
		.dirfd = dirfd,
		.name = name,
		.st = &st,
	};
	int r, fd;

	if (w->left-- == 0)
		return err_set(e, ERR_LIMIT, "the folder has too many entries");
	if (snprintf(path, sizeof(path), "%s%s%s", rel,
		rel[0] == '\0' ? "" : "/", name) >= (int)sizeof(path))
		return err_set(e, ERR_LIMIT, "a path is too long");
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return ERR_OK; /* gone again */
	r = w->fn(w->ctx, &t, e);
	if (r < 0 || r == 1 || !S_ISDIR(st.st_mode))
		return r < 0 ? r : ERR_OK;
	fd = openat(
	    dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES || errno == ENOENT
		    ? ERR_OK
		    : err_sys(e, "cannot open '%s'", path);
	return walk_folder(w, fd, path, depth + 1, e);
}

/* Takes fd. */
static int
walk_folder(
    struct walk *w, int fd, const char *rel, unsigned depth, struct err *e)
{
	DIR *dir = fdopendir(fd);
	struct dirent *d;
	int r = ERR_OK;

	if (dir == NULL) {
		(void)close(fd);
		return err_sys(e, "cannot read the folder '%s'", rel);
	}
	if (depth > DEPTH_MAX)
		r = err_set(e, ERR_LIMIT, "'%s' is nested too deeply", rel);
	while (r == 0 && (d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			r = walk_entry(w, dirfd(dir), rel, d->d_name, depth, e);
	}
	(void)closedir(dir);
	return r;
}

int
tree_walk(int fd, size_t entries_max, tree_fn *fn, void *ctx, struct err *e)
{
	struct walk w = { .left = entries_max, .fn = fn, .ctx = ctx };
	const int own =
	    openat(fd, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (own < 0)
		return err_sys(e, "cannot open the folder");
	return walk_folder(&w, own, "", 0, e);
}
