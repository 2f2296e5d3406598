/*
 * Remove names and judge signals, where no mount and no process namespace does.
 * Runs in: assent-exec, as the first process of a run without namespaces.
 * Trusts: nothing.  Owns: nothing beyond a call.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "init/family.h"
#include "gate/gate_int.h"

bool
gate_is_bare(int nr)
{
	switch (nr) {
	case SYS_unlinkat:
	case SYS_kill:
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
#ifdef SYS_unlink
	case SYS_unlink:
	case SYS_rmdir:
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

	switch (g->req->data.nr) {
	case SYS_unlinkat:
		return call_unlink(g, (int)a[0], a[1], (int)a[2]);
#ifdef SYS_unlink
	case SYS_unlink:
		return call_unlink(g, AT_FDCWD, a[0], 0);
	case SYS_rmdir:
		return call_unlink(g, AT_FDCWD, a[0], AT_REMOVEDIR);
#endif
	default:
		return call_signal(g);
	}
}
