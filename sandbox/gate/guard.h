#ifndef SANDBOX_GUARD_H
#define SANDBOX_GUARD_H
/*
 * Which names a run may make, write, replace or take away in a workspace.
 * Pure: the gate (gate.h) asks, looks where the answer says so, and acts.
 *
 *     v = guard_check(&guard, "sub/.git/hooks/pre-commit", GUARD_WRITE);
 *
 * Denied is what programs outside the sandbox obey unasked: the protected
 * names at the top of the workspace, and in any repository - also one that
 * is made now, is bare or lies deep - its configuration, hooks and pointers.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct guard {
	const char *const *protect; /* relative paths at the top */
	size_t protect_count;
	const char *const *also; /* the same, found out for this run */
	size_t also_count;
	const char *const *deny; /* globs, see glob.h */
	size_t deny_count;
};

enum guard_act {
	GUARD_WRITE, /* open for writing; makes the file if it is missing */
	GUARD_MKDIR,
	GUARD_PLACE, /* rename to, link, symbolic link, node */
	GUARD_TAKE, /* rename from, link from */
	GUARD_CHANGE, /* its mode, owner, times, attributes */
	GUARD_READ, /* open for reading: only 'deny' is asked */
};

enum guard_verdict {
	GUARD_DENIED, /* zero: the safe answer */
	GUARD_OK,
	GUARD_IF_NO_GITDIR, /* unless the folder has an entry HEAD */
	GUARD_IF_NO_HOOK, /* unless the folder above has an entry HEAD */
	GUARD_IF_CONFIG, /* in a repository: only from config.lock, checked */
	GUARD_IF_HEAD, /* only where configuration and hooks are harmless */
	GUARD_IF_WORKTREE, /* a new one of git's own, see gate_worktree.c */
};

/* rel: relative, normal form, not empty. */
enum guard_verdict guard_check(
    const struct guard *g, const char *rel, enum guard_act act);
/* A folder of a repository's own stays in it, and where names are free: what is
 * in it was judged by where it is. Both in the same root. */
bool guard_folder_may_go(const char *from, const char *to);
/* Among a repository's own files a symbolic link would lead git to settings
 * that nobody judged: git makes none there but for branches. */
bool guard_link_may_be(const char *rel);
/* True when every setting in the text of a repository's configuration is of
 * the kind that runs nothing. */
bool guard_config_harmless(struct str text);
bool guard_setting_harmless(struct str section, struct str key);

enum guard_follow {
	GUARD_FOLLOW_CONFIG, /* more settings; relative to the file */
	GUARD_FOLLOW_PATH, /* a folder or file that git reads */
	GUARD_FOLLOW_PROGRAM,
	GUARD_FOLLOW_WORD, /* of a command: a file, if there is one */
};
/* path is borrowed for the call, and as it is written: relative or absolute. */
typedef void guard_follow_fn(
    void *ctx, enum guard_follow what, struct str path);
/* What the settings in text make git read or run by itself. */
void guard_config_follow(struct str text, guard_follow_fn *fn, void *ctx);
/* True for names in hooks/ that git never runs. */
bool guard_hook_harmless(const char *name);

#endif
