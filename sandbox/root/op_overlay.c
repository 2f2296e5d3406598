/*
 * The workspace as a copy: what a run writes goes to a layer of its own.
 * Runs in: assent-exec, in a mount namespace of its own, before it changes
 * its root.
 * Trusts: the plan.  Owns: nothing; the layer's folder is root's.
 */
#include "root/root_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root/mnt.h"
#include "sys.h"

/* The new root lies over /proc until it is entered: see make_base. */
#define LOWER "t/lower"
#define LAYER "t/layer"
#define UP "up"
#define WORK "work"
#define LAYER_INODES "nr_inodes=256k"

static int
make_place(struct root *r, const char *path, int *ret, struct err *e)
{
	if (mkdirat(r->base, path, 0700) != 0)
		return err_sys(e, "cannot prepare the copy of the workspace");
	*ret = openat(r->base, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret >= 0
	    ? ERR_OK
	    : err_sys(e, "cannot prepare the copy of the workspace");
}

static int
put_lower(struct root *r, int tree, struct err *e)
{
	AUTO_FD int place = -1;
	const int code = make_place(r, LOWER, &place, e);

	return code == 0 ? mnt_put(tree, place, e) : code;
}

/* In memory, limited, gone with the last descriptor: nothing is left over. */
static int
put_layer(struct root *r, const struct stat *st, struct err *e)
{
	const struct plan_who *who = &r->plan->who;
	const bool other = who->identity != IDENTITY_SAME;
	char size[48];
	const char *const options[] = { size, LAYER_INODES, "mode=0700", NULL };
	AUTO_FD int layer = -1;
	AUTO_FD int place = -1;
	int code;

	(void)snprintf(size, sizeof(size), "size=%llu",
	    (unsigned long long)r->plan->limits.tmp_bytes);
	code = mnt_new("tmpfs", options, 0, &layer, e);
	if (code == 0)
		code = make_place(r, LAYER, &place, e);
	if (code == 0)
		code = mnt_put(layer, place, e);
	if (code != 0)
		return code;
	/* The folder of the layer is what the run sees as its workspace. */
	if (mkdirat(layer, UP, st->st_mode & 0777) != 0 ||
	    mkdirat(layer, WORK, 0700) != 0 ||
	    (other && fchownat(layer, UP, who->uid, who->gid, 0) != 0))
		return err_sys(e, "cannot prepare the copy of the workspace");
	r->layer = openat(layer, UP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->layer >= 0
	    ? ERR_OK
	    : err_sys(e, "cannot prepare the copy of the workspace");
}

/* Renamed folders are copied: a layer is then files and folders, and what is
 * gone, and can be read without knowing more. */
static int
mount_it(const struct root *r, int *ret, struct err *e)
{
	const char *const options[] = {
		"lowerdir=/proc/" LOWER,
		"upperdir=/proc/" LAYER "/" UP,
		"workdir=/proc/" LAYER "/" WORK,
		"redirect_dir=nofollow",
		"metacopy=off",
		"index=off",
		r->plan->who.identity == IDENTITY_SAME ? "userxattr" : NULL,
		NULL,
	};
	const int code = mnt_new("overlay", options, 0, ret, e);

	return code == 0
	    ? code
	    : err_wrap(e, code,
		  "this kernel makes no copy of a workspace (overlayfs; see "
		  "'assent doctor')");
}

int
root_make_overlay(struct root *r, int lower, int *ret, struct err *e)
{
	struct stat st;
	int code = fstat(lower, &st) != 0
	    ? err_sys(e, "cannot look at the workspace")
	    : put_lower(r, lower, e);

	if (code == 0)
		code = put_layer(r, &st, e);
	return code == 0 ? mount_it(r, ret, e) : code;
}
