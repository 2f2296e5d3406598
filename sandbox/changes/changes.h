#ifndef SANDBOX_CHANGES_H
#define SANDBOX_CHANGES_H
/*
 * What a run on a copy of its workspace has changed, and putting all, some or
 * none of it into the workspace.
 *
 *     r = changes_scan(&from, arena, &changes, e);
 *     changes_json(changes, true, &text);           or changes_text
 *     r = changes_apply(changes, NULL, 0, &n, e);     all, or nothing
 *
 * Names and contents were written by the run and are not believed; the
 * workspace may have changed meanwhile, and then nothing is overwritten.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"
#include "sandbox/plan.h"

#define CHANGES_MAX 20000

enum change_kind {
	CHANGE_INVALID,
	CHANGE_ADDED,
	CHANGE_MODIFIED,
	CHANGE_DELETED,
};

struct change {
	enum change_kind kind;
	const char *path; /* in the workspace */
	mode_t mode, old_mode; /* with the type */
	uint64_t size, old_size;
	const char *link; /* where a symbolic link leads */
	uint8_t sha256[SHA256_LEN]; /* of a file's new content */
	/* What lies in the workspace, as it was when the run had ended. */
	bool was_there;
	struct stat base;
	const char *problem; /* why it is never applied, or NULL */
	bool only_with_all; /* part of a repository: no half of it */
};

struct changes {
	struct change *at; /* by path */
	size_t count;
	int layer, workspace; /* borrowed */
	const struct plan *plan;
	struct arena *arena;
};

struct changes_from {
	int layer; /* what the run wrote */
	int workspace; /* the folder itself, opened before the run */
	const struct plan *plan;
	struct timespec began; /* CLOCK_REALTIME_COARSE, before the run */
};

int changes_scan(const struct changes_from *from, struct arena *a,
    struct changes **ret, struct err *e);
/*
 * paths NULL: all. A path stands for what is below it, too. Looks at every
 * chosen change first: ERR_CONFLICT or ERR_DENIED with the names, and nothing
 * is applied.
 */
int changes_apply(struct changes *c, const char *const *paths, size_t count,
    size_t *ret_applied, struct err *e);
void changes_json(const struct changes *c, bool diffs, struct buf *out);
/* A line each, then what changed in texts; inert on a terminal. */
void changes_text(const struct changes *c, struct buf *out);
const char *change_kind_name(enum change_kind k);

#endif
