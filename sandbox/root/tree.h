#ifndef SANDBOX_TREE_H
#define SANDBOX_TREE_H
/*
 * Walk a folder without following links, with a limit on what is met.
 *
 *     r = tree_walk(fd, &limits, on_entry, ctx, e);
 */
#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"

struct tree_entry {
	const char *rel; /* from the folder that is walked */
	int dirfd; /* holds the entry */
	const char *name;
	const struct stat *st; /* of the entry itself */
};

/* 0: go on (into a folder); 1: not into this folder; negative ends. */
typedef int tree_fn(void *ctx, const struct tree_entry *t, struct err *e);

/* ERR_LIMIT beyond entries_max. fd is borrowed. */
int tree_walk(
    int fd, size_t entries_max, tree_fn *fn, void *ctx, struct err *e);

#endif
