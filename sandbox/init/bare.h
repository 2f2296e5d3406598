#ifndef SANDBOX_BARE_H
#define SANDBOX_BARE_H
/*
 * A run where nobody may make namespaces: what Landlock, seccomp, the
 * supervisor and resource limits can hold is held; the rest is told.
 *
 *     if (bare_namespaces_are_hollow()) ...          before clone
 *     if (bare_may_help(errno)) ...                  after it failed
 *     r = bare_open(&bare, plan, arena, &plan, e)    in its first process
 *     bare_domain(plan, bare.tmp, &fd, e)            instead of domain_make
 *     ... bare_notes, to be told with the outcome
 *     bare_close(&bare)
 */
#include <stdbool.h>

#include "base/err.h"
#include "sandbox/plan.h"

#define BARE_TMP_BYTES 64

struct bare {
	char tmp[BARE_TMP_BYTES]; /* private; "" when there is none */
	bool signals; /* Landlock does not hold them: the gate judges */
};

/* ERR_DENIED where too little would hold. The new plan lives in the arena and
 * borrows from the old one: what is hidden in the workspace is denied by name
 * there, and TMPDIR is set. */
int bare_open(struct bare *b, const struct plan *p, struct arena *a,
    struct plan **ret, struct err *e);
/* Of a failed attempt to make namespaces. */
bool bare_may_help(int error);
/* AppArmor can let a user make namespaces, and give him no rights in them; and
 * where parts of /proc are covered, as in a container, they can have none of
 * their own. Then they are as good as none: known by trying, where it may be
 * so. */
bool bare_namespaces_are_hollow(void);
int bare_domain(const struct plan *p, const char *tmp, int *ret, struct err *e);
void bare_close(struct bare *b);
/* Ends with NULL. */
extern const char *const bare_notes[];

#endif
