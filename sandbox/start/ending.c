/*
 * From a report to an outcome.
 * Runs in: assent-exec --launcher.  Trusts: the first process of the run.
 * Owns: nothing.
 */
#include "start/ending.h"

#include <stdio.h>
#include <sys/wait.h>

#include "base/cgroup.h"

static void
say_exceeded(struct outcome *ret, unsigned flags, const struct plan *plan,
    char text[static ENDING_TEXT_MAX])
{
	const char *of = "disk";
	uint64_t bytes = plan->limits.disk_bytes;

	if ((flags & CTL_MEMORY) != 0) {
		of = "memory";
		bytes = plan->limits.memory_bytes;
	}
	(void)snprintf(text, ENDING_TEXT_MAX,
	    "ended: more than %llu bytes of %s (limits.%s)",
	    (unsigned long long)bytes, of, of);
	ret->failure = text;
}

const char *
ending_without_report(int group_events, const struct plan *plan,
    char text[static ENDING_TEXT_MAX])
{
	struct outcome o = { .exit = -1 };

	if (cgroup_oom_kills(group_events) == 0)
		return "the sandbox was killed from outside";
	say_exceeded(&o, CTL_MEMORY, plan, text);
	return o.failure;
}

void
ending_fill(struct outcome *ret, const struct ctl *end, const struct plan *plan,
    char text[static ENDING_TEXT_MAX])
{
	ret->timed_out = (end->flags & CTL_TIMED_OUT) != 0;
	ret->violations = (const char **)(uintptr_t)end->violations;
	ret->violation_count = end->violation_count;
	if (end->type == CTL_FAILED || end->text != NULL)
		ret->failure = end->text == NULL ? "failed" : end->text;
	if (end->type != CTL_ENDED)
		return;
	if (WIFEXITED(end->code))
		ret->exit = WEXITSTATUS(end->code);
	else if (WIFSIGNALED(end->code))
		ret->signal = WTERMSIG(end->code);
	if ((end->flags & (CTL_MEMORY | CTL_DISK)) != 0)
		say_exceeded(ret, end->flags, plan, text);
}
