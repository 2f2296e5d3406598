/*
 * Build the file system of a run, operation by operation.
 * Runs in: assent-exec, in a mount namespace of its own.
 * Trusts: the plan.  Owns: descriptors of the root under construction.
 */
#include "root/root_int.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root/mnt.h"
#include "sys.h"

#define ROOT_BYTES "size=16m"
#define ROOT_INODES "nr_inodes=8k"

static int
do_devices(struct root *r, struct err *e)
{
	int code = ERR_OK;

	if (r->fresh || !r->each_run)
		code = root_do_devices(r, e);
	if (code == 0 && (r->fresh || r->each_run))
		code = root_do_terminals(r, e);
	return code;
}

static int
do_op(struct root *r, size_t index, struct err *e)
{
	const struct op *op = &r->plan->ops[index];

	switch (op->kind) {
	case OP_SAME:
	case OP_TOOL:
	case OP_ROOTED:
		return root_do_host(r, op, e);
	case OP_WORKSPACE:
		return root_do_workspace(r, op, e);
	case OP_DIR:
		return root_do_dir(r, op, e);
	case OP_LINK:
		return root_put_link(r, op->path, op->source, e);
	case OP_FILE:
		return root_do_file(r, op, index, e);
	case OP_DEVICES:
		return do_devices(r, e);
	case OP_PROTECT:
	case OP_PIN_NAME:
		return root_do_protect(r, op, e);
	case OP_MASK:
		return root_do_mask(r, op, e);
	case OP_DENY:
		return root_do_deny(r, op, e);
	case OP_PROC:
		return root_do_proc(r, op, e);
	case OP_TMP:
		return root_do_tmp(r, op, e);
	case OP_TMP_DIR:
		return root_do_tmp_dir(r, op, e);
	case OP_INVALID:
		break;
	}
	return err_set(e, ERR_INTERNAL, "unknown operation in the plan");
}

/* Mounts of a run's /tmp are fetched in the first phase and placed in the
 * second; everything else happens in one of them. */
static bool
is_due(const struct root *r, const struct op *op)
{
	const bool each = (op->flags & OP_EACH_RUN) != 0;

	if (op->kind == OP_SAME || op->kind == OP_TOOL ||
	    op->kind == OP_ROOTED || op->kind == OP_WORKSPACE)
		return each || !r->each_run;
	/* Terminals are a run's own. */
	if (op->kind == OP_DEVICES)
		return true;
	return each == r->each_run;
}

static int
do_due(struct root *r, struct err *e)
{
	int code = ERR_OK;

	/* /tmp comes first among what each run gets anew. */
	for (size_t i = 0; code == 0 && r->each_run && i < r->plan->op_count;
	     i++) {
		if (r->plan->ops[i].kind == OP_TMP)
			code = do_op(r, i, e);
	}
	for (size_t i = 0; code == 0 && i < r->plan->op_count; i++) {
		if (is_due(r, &r->plan->ops[i]) &&
		    r->plan->ops[i].kind != OP_TMP)
			code = do_op(r, i, e);
	}
	return code;
}

/* In one phase: a plan has /tmp before what lies there. */
static int
do_ops(struct root *r, size_t to, struct err *e)
{
	int code = ERR_OK;

	for (; code == 0 && r->done < to; r->done++) {
		r->each_run = (r->plan->ops[r->done].flags & OP_EACH_RUN) != 0;
		code = do_op(r, r->done, e);
	}
	r->each_run = false;
	return code;
}

static int
make_base(struct root *r, struct err *e)
{
	static const char *const options[] = {
		ROOT_BYTES,
		ROOT_INODES,
		"mode=0755",
		NULL,
	};
	AUTO_FD int at = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int code = mnt_new("tmpfs", options, 0, &r->base, e);

	if (code != 0)
		return code;
	if (at < 0)
		return err_sys(e, "cannot open '/proc'");
	code = mnt_put(r->base, at, e);
	if (code != 0)
		return code;
	if (mkdirat(r->base, "r", 0755) != 0 ||
	    mkdirat(r->base, "t", 0700) != 0 ||
	    mkdirat(r->base, "hide-dir", 0) != 0 ||
	    mknodat(r->base, "hide-file", S_IFREG, 0) != 0)
		return err_sys(e, "cannot prepare the sandbox's root");
	r->dir = openat(r->base, "r", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->dir < 0)
		return err_sys(e, "cannot open the sandbox's root");
	return ERR_OK;
}

/*
 * In a user namespace the kernel gives a new /proc only to those who see one
 * whole already. It is kept outside of what becomes the run's root, and each
 * run drops its copy before it starts.
 */
static int
keep_proc(struct root *r, struct err *e)
{
	AUTO_FD int src = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int tree = -1;
	int code;

	if (r->fresh || r->plan->who.identity != IDENTITY_SAME)
		return ERR_OK;
	code = src < 0 ? err_sys(e, "cannot open '/proc'")
		       : mnt_tree(src, true, &tree, e);
	if (code == 0)
		r->proc = TAKE_FD(tree);
	return code;
}

static int
put_proc(struct root *r, struct err *e)
{
	AUTO_FD int place = -1;

	if (r->proc < 0)
		return ERR_OK;
	place = mkdirat(r->base, "p", 0700) != 0
	    ? -1
	    : openat(r->base, "p", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place < 0)
		return err_sys(e, "cannot keep '/proc'");
	return mnt_put(r->proc, place, e);
}

int
root_begin(struct root *r, const struct plan *p, size_t op_count, struct err *e)
{
	int code;

	assert(r->base < 0 && op_count <= p->op_count);
	assert(r->fresh || op_count == 0);
	r->plan = p;
	code = mnt_private(e);
	if (code == 0)
		code = keep_proc(r, e);
	if (code == 0)
		code = make_base(r, e);
	if (code == 0)
		code = put_proc(r, e);
	if (code == 0)
		code = do_ops(r, op_count, e);
	return code;
}

int
root_build(struct root *r, const struct plan *p, struct err *e)
{
	int code = r->base < 0 ? root_begin(r, p, 0, e) : ERR_OK;

	r->plan = p;
	if (code == 0)
		code = r->fresh ? do_ops(r, p->op_count, e) : do_due(r, e);
	if (code == 0 && r->fresh)
		code = root_do_pins(r, e);
	/* As the workspace is outside. Who hears of a file that is named hears
	 * more than of all. */
	if (code == 0)
		code = root_check_code(p, e);
	if (code == 0)
		code = mnt_restrict(r->base, MNT_READ_ONLY, false, e);
	return code;
}

int
root_enter(struct root *r, struct err *e)
{
	if (fchdir(r->base) != 0 || sys_pivot_root(".", ".") != 0 ||
	    umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
		return err_sys(e, "cannot change the root");
	return ERR_OK;
}

int
root_each_run(struct root *r, struct err *e)
{
	int code;

	if (r->fresh)
		return ERR_OK;
	/* Descriptors from before show the template, not this copy of it. */
	root_free(r);
	r->each_run = true;
	r->base = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r->dir = open("/r", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->base < 0 || r->dir < 0)
		return err_sys(e, "cannot open the sandbox's root");
	code = do_due(r, e);
	/* In the phase in which the workspace is there. */
	return code == 0 ? root_do_pins(r, e) : code;
}

int
root_let_go(struct root *r, struct err *e)
{
	if (!r->fresh && r->plan->who.identity == IDENTITY_SAME &&
	    umount2(ROOT_HOST_PROC, MNT_DETACH) != 0)
		return err_sys(e, "cannot let go of the host's '/proc'");
	return ERR_OK;
}

int
root_close_in(struct root *r, struct err *e)
{
	if (fchdir(r->dir) != 0 || chroot(".") != 0 || chdir("/") != 0)
		return err_sys(e, "cannot close the sandbox's root");
	root_free(r);
	return ERR_OK;
}

void
root_free(struct root *r)
{
	fd_closep(&r->base);
	fd_closep(&r->dir);
	root_forget_near(r);
	fd_closep(&r->idmap);
	fd_closep(&r->proc);
	r->base = r->dir = r->idmap = r->proc = -1;
}
