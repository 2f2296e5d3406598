/*
 * After a run on a copy of the workspace: show what it changed, and apply
 * what the caller asked for.
 * Runs in: assent-exec, on the host's side, with the caller's rights.
 * Trusts: the command line; nothing that comes from the run.
 * Owns: nothing.
 */
#include "oneshot/oneshot.h"

#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "changes/changes.h"

#define CHANGES_ARENA ((size_t)64 << 20)
#define CHANGES_TEXT_MAX ((size_t)4 << 20)

static void
show(const struct changes *c)
{
	AUTO_BUF struct buf text = BUF_INIT(CHANGES_TEXT_MAX);

	if (c->count == 0) {
		oneshot_say("nothing was changed");
		return;
	}
	oneshot_say("changed in a copy of the workspace:");
	changes_text(c, &text);
	(void)fdio_write_all(STDERR_FILENO, text.s, text.len, NULL);
	if (text.failed != 0)
		oneshot_say("... the rest is too long to be shown");
}

static bool
is_word(const struct oneshot_apply *a, const char *word)
{
	return a->count == 1 && strcmp(a->words[0], word) == 0;
}

static int
apply_some(struct changes *c, const struct oneshot_apply *a, int status)
{
	const bool all = is_word(a, "all");
	struct err e = ERR_INIT;
	size_t applied = 0;
	int r;

	if (a->count == 0 || is_word(a, "none")) {
		if (c->count > 0)
			oneshot_say("nothing was applied (see --apply)");
		return status;
	}
	if (status != 0) {
		oneshot_say("nothing was applied: the command failed");
		return status;
	}
	r = changes_apply(
	    c, all ? NULL : a->words, all ? 0 : a->count, &applied, &e);
	if (r != 0) {
		oneshot_say("%s", e.msg);
		return ONESHOT_DENIED;
	}
	oneshot_say("applied: %zu of %zu", applied, c->count);
	return status;
}

int
oneshot_overlay(const struct plan *p, const struct oneshot_apply *apply,
    int layer, int workspace, const struct timespec *began, int status)
{
	AUTO(arena_freep) struct arena *a = arena_new(CHANGES_ARENA);
	const struct changes_from from = {
		.layer = layer,
		.workspace = workspace,
		.plan = p,
		.began = *began,
	};
	struct changes *c = NULL;
	struct err e = ERR_INIT;

	if (a == NULL || changes_scan(&from, a, &c, &e) != 0) {
		oneshot_say(
		    "%s", a == NULL ? "no memory for the changes" : e.msg);
		return ONESHOT_FAILED;
	}
	show(c);
	return apply_some(c, apply, status);
}
