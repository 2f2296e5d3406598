#ifndef SANDBOX_HINTS_H
#define SANDBOX_HINTS_H
/*
 * What would have let a run do what it was denied: for the person, the agent
 * and the log, beside each denial.
 *
 *     hint_of("write outside the workspace: /srv/x", plan, &out);
 *
 * A violation is what the gate says (gate.h), and the text of a program's
 * doing: it is matched, never believed.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "start/ctl.h"

struct plan;

#define HINT_PREFIX "hint: "

/* Appends a sentence; nothing for what needs none. */
void hint_of(const char *violation, const struct plan *p, struct buf *out);
/* Adds the hints for all violations behind them, each once, as far as there
 * is room. */
void hints_add(struct ctl *end, const struct plan *p, struct arena *a);
/* Both, and what the names in its own command tell (hints_command.c). */
void hints_add_all(struct ctl *end, const struct plan *p, struct arena *a);
/* For hints_command.c: once, as far as there is room. */
void hints_put(struct ctl *end, const struct buf *hint, struct arena *a);
void hints_add_command(struct ctl *end, const struct plan *p, struct arena *a);
/* It ended, not well, and nothing is known to have been denied. */
bool hints_unexplained(const struct ctl *end);
/* Where a run failed and nothing was denied: which files of the workspace it
 * could not see, as a note. Looks for them. */
void hints_add_hidden(struct ctl *end, const struct plan *p, struct arena *a);

#endif
