/*
 * Places in the root of a run: folders, files and links that we make.
 * Runs in: assent-exec, in a mount namespace of its own.
 * Trusts: nothing that lies in the workspace.  Owns: nothing.
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

#include "root/identity.h"
#include "sys.h"

void
root_note(struct root *r, const char *text)
{
	if (r->note_count < ROOT_NOTES_MAX)
		r->notes[r->note_count++] = text;
}

static void
forget(struct root_near *n)
{
	fd_closep(&n->fd);
	n->fd = -1;
	n->known = false;
}

void
root_forget_near(struct root *r)
{
	forget(&r->inside);
	forget(&r->host);
}

/* A hundred names are looked for in three folders. */
static int
open_near(const struct plan_who *who, struct root_near *n, int base,
    const char *path, uint64_t resolve)
{
	const char *name = strrchr(path, '/');
	const size_t len = name == NULL ? 0 : (size_t)(name - path);

	if (len == 0 || len >= sizeof(n->path))
		return identity_open(
		    who, base, path, O_PATH | O_NOFOLLOW, resolve);
	if (!n->known || strncmp(n->path, path, len) != 0 ||
	    n->path[len] != '\0') {
		forget(n);
		memcpy(n->path, path, len);
		n->path[len] = '\0';
		n->fd = identity_open(
		    who, base, n->path, O_PATH | O_DIRECTORY, resolve);
		n->known = n->fd >= 0 || errno == ENOENT;
	}
	if (n->fd < 0) {
		if (n->known)
			errno = ENOENT;
		return -1;
	}
	/* Most are missing, and a look is cheaper than an attempt; with other
	 * rights than those that count the kernel would make them first. */
	if (faccessat(
		n->fd, name + 1, F_OK, AT_SYMLINK_NOFOLLOW | AT_EACCESS) != 0)
		return -1;
	return identity_open(who, n->fd, name + 1, O_PATH | O_NOFOLLOW,
	    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int
root_open_inside(struct root *r, const char *path)
{
	static const struct plan_who us = { .owner = 0 };

	return open_near(&us, &r->inside, r->dir, path, INSIDE);
}

int
root_open_host(struct root *r, const char *path)
{
	return open_near(&r->plan->who, &r->host, AT_FDCWD, path, HOST);
}

/* What a run owns in its own /tmp; elsewhere folders are ours. */
void
root_give(const struct root *r, int dirfd, const char *name)
{
	const struct plan_who *who = &r->plan->who;
	int given;

	if (!r->each_run || who->identity == IDENTITY_SAME)
		return;
	/* one that stays ours is merely one that the run cannot write */
	given = fchownat(dirfd, name, who->uid, who->gid, AT_SYMLINK_NOFOLLOW);
	(void)given;
}

/* Makes every folder of path, and gives the last one. */
static int
make_folders(struct root *r, const char *path, int *ret, struct err *e)
{
	AUTO_FD int at = fcntl(r->dir, F_DUPFD_CLOEXEC, 0);

	for (const char *name = path; at >= 0 && *name == '/';) {
		const size_t n = strcspn(++name, "/");
		char part[NAME_MAX + 1];
		int next;

		if (n == 0 || n > NAME_MAX)
			return err_set(
			    e, ERR_INVALID, "cannot make '%s'", path);
		memcpy(part, name, n);
		part[n] = '\0';
		if (mkdirat(at, part, 0755) == 0)
			root_give(r, at, part);
		next = sys_openat2(at, part, O_PATH | O_DIRECTORY, INSIDE);
		(void)close(at);
		at = next;
		name += n;
	}
	if (at < 0)
		return err_sys(e, "cannot make '%s' in the sandbox", path);
	*ret = TAKE_FD(at);
	return ERR_OK;
}

int
root_open_parent(struct root *r, const char *path, int *ret,
    const char **ret_name, struct err *e)
{
	struct root_near *near = &r->inside;
	const char *slash = strrchr(path, '/');
	const size_t len = slash == NULL ? 0 : (size_t)(slash - path);
	int code = ERR_OK;

	*ret_name = path + len + 1;
	if (len == 0) {
		*ret = r->dir;
		return ERR_OK;
	}
	if (len >= sizeof(near->path))
		return err_set(e, ERR_LIMIT, "the path '%s' is too long", path);
	if (near->fd < 0 || strncmp(near->path, path, len) != 0 ||
	    near->path[len] != '\0') {
		forget(near);
		memcpy(near->path, path, len);
		near->path[len] = '\0';
		near->fd = sys_openat2(
		    r->dir, near->path, O_PATH | O_DIRECTORY, INSIDE);
		if (near->fd < 0)
			code = make_folders(r, near->path, &near->fd, e);
		near->known = near->fd >= 0;
	}
	*ret = near->fd;
	return code;
}

/* The place at path in the new root; makes it when it is missing. */
int
root_open_place(
    struct root *r, const char *path, bool folder, int *ret, struct err *e)
{
	const char *name;
	int fd, parent, failed = 0;
	int code = root_open_parent(r, path, &parent, &name, e);

	if (code != 0)
		return code;
	/* Most are missing, and to make one tells of one that is there. */
	if ((folder ? mkdirat(parent, name, 0755)
		    : mknodat(parent, name, S_IFREG | 0644, 0)) == 0)
		root_give(r, parent, name);
	else
		failed = errno;
	fd = sys_openat2(parent, name, O_PATH | O_NOFOLLOW, INSIDE);
	if (fd < 0 && failed != 0 && failed != EEXIST) {
		errno = failed;
		return err_sys(e, "cannot make '%s' in the sandbox", path);
	}
	if (fd < 0)
		return err_sys(e, "cannot open '%s' in the sandbox", path);
	*ret = fd;
	return ERR_OK;
}

int
root_put_link(struct root *r, const char *path, const char *to, struct err *e)
{
	const char *name;
	int parent, code = root_open_parent(r, path, &parent, &name, e);

	if (code != 0)
		return code;
	if (symlinkat(to, parent, name) != 0 && errno != EEXIST)
		return err_sys(e, "cannot make the link '%s'", path);
	return ERR_OK;
}

int
root_do_dir(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int fd = -1;

	return root_open_place(r, op->path, true, &fd, e);
}
