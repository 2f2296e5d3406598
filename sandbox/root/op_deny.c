/*
 * Hide what a profile's patterns mean in a workspace.
 * Runs in: assent-exec, in a mount namespace of its own.
 * Trusts: the plan; nothing in the workspace.  Owns: nothing.
 */
#include "root/root_int.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "glob.h"
#include "sys.h"
#include "root/tree.h"

/* Each hidden name is a mount: beyond this the profile is not enforceable. */
#define DENY_NAMES_MAX 4096
#define DENY_ENTRIES_MAX 1000000

struct search {
	struct root *root;
	size_t hidden;
};

static int
on_entry(void *ctx, const struct tree_entry *t, struct err *e)
{
	struct search *s = ctx;
	const struct plan *p = s->root->plan;
	AUTO_FD int fd = -1;
	int r;

	if (glob_match_any(p->deny, p->deny_count, t->rel) != GLOB_MATCH)
		return 0;
	if (++s->hidden > DENY_NAMES_MAX)
		return err_set(e, ERR_LIMIT,
		    "more than %d names are denied; hide the folder that "
		    "holds them",
		    DENY_NAMES_MAX);
	fd = openat(t->dirfd, t->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 1
				       : err_sys(e, "cannot hide '%s'", t->rel);
	r = root_mask(s->root, fd, e);
	return r == 0 ? 1 : r;
}

int
root_do_deny(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int fd = sys_openat2(
	    r->dir, op->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, INSIDE);
	struct search s = { .root = r };
	int code;

	if (fd < 0)
		return err_sys(e, "cannot look through '%s'", op->path);
	code = tree_walk(fd, DENY_ENTRIES_MAX, on_entry, &s, e);
	return code == 0 ? code : err_wrap(e, code, "'%s'", op->path);
}
