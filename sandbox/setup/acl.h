#ifndef SANDBOX_ACL_H
#define SANDBOX_ACL_H
/*
 * Rights by ACL on the files of a workspace, for a group of accounts, and
 * exactly back again.
 *
 *     r = acl_grant(&(struct acl_workspace){ .path = dir, .owner = uid,
 *         .group = gid }, &count, e);
 *     r = acl_revoke(&same, &count, e);
 *
 * What a file had before is kept with it, in an attribute that only root sees
 * (trusted.assent.acl), so that it goes where the file goes. Only files and
 * folders of the owner on the same file system are touched, no link is
 * followed, and no file that has another name.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct acl_workspace {
	const char *path; /* real */
	uid_t owner;
	gid_t owner_group; /* of the workspace */
	gid_t group;
	bool dry; /* only count */
};

/* *ret_count: files and folders that were changed. Twice is once. */
int acl_grant(const struct acl_workspace *w, size_t *ret_count, struct err *e);
int acl_revoke(const struct acl_workspace *w, size_t *ret_count, struct err *e);
/* Has the group rights here, by what acl_grant did? */
bool acl_is_granted(int dirfd, gid_t group);

#endif
