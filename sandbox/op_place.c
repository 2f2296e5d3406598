/*
 * Places in the root of a run: folders, files and links that we make.
 * Runs in: assent-exec, in a mount namespace of its own.
 * Trusts: nothing that lies in the workspace.  Owns: nothing.
 */
#include "root_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"

void
root_note(struct root *r, const char *text)
{
	if (r->note_count < ROOT_NOTES_MAX)
		r->notes[r->note_count++] = text;
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

/* Opens the folder that holds path, making what is missing; *ret_name is the
 * last component. */
int
root_open_parent(struct root *r, const char *path, int *ret,
    const char **ret_name, struct err *e)
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
			root_give(r, at, part);
		next = sys_openat2(at, part, O_PATH | O_DIRECTORY, INSIDE);
		if (next < 0)
			return err_sys(
			    e, "cannot make '%s' in the sandbox", path);
		(void)close(at);
		at = next;
		name += n + 1;
	}
	*ret = TAKE_FD(at);
	*ret_name = name;
	return ERR_OK;
}

/* The place at path in the new root; makes it when it is missing. */
int
root_open_place(
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
	code = root_open_parent(r, path, &parent, &name, e);
	if (code != 0)
		return code;
	if (folder ? mkdirat(parent, name, 0755) != 0
		   : mknodat(parent, name, S_IFREG | 0644, 0) != 0)
		return err_sys(e, "cannot make '%s' in the sandbox", path);
	root_give(r, parent, name);
	fd = sys_openat2(parent, name, O_PATH | O_NOFOLLOW, INSIDE);
	if (fd < 0)
		return err_sys(e, "cannot open '%s' in the sandbox", path);
	*ret = fd;
	return ERR_OK;
}

int
root_put_link(struct root *r, const char *path, const char *to, struct err *e)
{
	AUTO_FD int parent = -1;
	const char *name;
	int code = root_open_parent(r, path, &parent, &name, e);

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
