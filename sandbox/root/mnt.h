#ifndef SANDBOX_MNT_H
#define SANDBOX_MNT_H
/*
 * Mounts by descriptor: make one, dress it, put it somewhere.
 *
 *     fd = mnt_tree(src, true)           a detached copy of what src shows
 *     mnt_restrict(fd, MNT_READ_ONLY, e)
 *     mnt_put(fd, target, e)
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum mnt_flags {
	MNT_READ_ONLY = 1,
	MNT_DEVICES = 2, /* device nodes work */
	MNT_NO_EXEC = 4,
};

/* A detached copy of the mount at fd, with the mounts below it if deep. */
int mnt_tree(int fd, bool deep, int *ret, struct err *e);
/* Always no set-id; deep: with the mounts below. */
int mnt_restrict(int tree, unsigned flags, bool deep, struct err *e);
/* Owners as the user namespace maps them. */
int mnt_idmap(int tree, int userns, bool deep, struct err *e);
int mnt_put(int tree, int target, struct err *e);
/* A new file system; options are "key=value" or "key", NULL at the end. */
int mnt_new(const char *type, const char *const *options, unsigned flags,
    int *ret, struct err *e);
/* Every mount of this namespace stops telling others. */
int mnt_private(struct err *e);

#endif
