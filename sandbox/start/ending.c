/*
 * From a report to an outcome.
 * Runs in: assent-exec --launcher.  Trusts: the first process of the run.
 * Owns: nothing.
 */
#include "start/ending.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/cgroup.h"
#include "base/mem.h"
#include "start/run.h"

#define SHELL_SIGNAL 128

static void
say_exceeded(struct outcome *ret, unsigned flags, const struct plan *plan,
    char text[static ENDING_TEXT_MAX])
{
	const char *of = "disk";
	uint64_t bytes = plan->limits.disk_bytes;

	if ((flags & CTL_OUTPUT) != 0) {
		of = "stream";
		bytes = plan->limits.stream_bytes;
	} else if ((flags & CTL_MEMORY) != 0) {
		of = "memory";
		bytes = plan->limits.memory_bytes;
	}
	(void)snprintf(text, ENDING_TEXT_MAX,
	    "ended: more than %llu bytes of %s (limits.%s)",
	    (unsigned long long)bytes, of, of);
	ret->failure = text;
}

static void
add_limit(struct ctl *end, struct arena *a, const char *what, uint64_t n)
{
	char text[ENDING_TEXT_MAX];

	(void)snprintf(
	    text, sizeof(text), "limit: %s: %llu", what, (unsigned long long)n);
	ctl_add_violation(end, arena_strdup(a, text));
}

/* Not denied, but who wonders why it was slow may want to know. */
static void
add_note_of_cpu(struct ctl *end, struct arena *a, uint32_t percent)
{
	char text[ENDING_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
	    "note: it had at most %u %% of a processor (limits.cpu)", percent);
	ctl_add_violation(end, arena_strdup(a, text));
}

/* A shell passes the signal of its last command on. */
static bool
is_ended_by(int code, int signo)
{
	return (WIFSIGNALED(code) && WTERMSIG(code) == signo) ||
	    (WIFEXITED(code) && WEXITSTATUS(code) == SHELL_SIGNAL + signo);
}

void
ending_add_limits(
    struct ctl *end, const struct plan *plan, struct run *run, struct arena *a)
{
	const struct plan_limits *l = &plan->limits;

	if (run->groups != NULL &&
	    cgroup_refused_forks(run->groups, &run->group))
		end->flags |= CTL_CROWDED;
	if (end->type != CTL_ENDED)
		return;
	if (is_ended_by(end->code, SIGXFSZ))
		add_limit(end, a, "bytes of one file", l->file_bytes);
	if ((end->flags & CTL_CROWDED) != 0)
		add_limit(end, a, "processes at a time", l->processes);
	if ((end->flags & CTL_TMP_FULL) != 0)
		add_limit(
		    end, a, "bytes of its own /tmp and ~/.cache", l->tmp_bytes);
	if ((end->flags & CTL_TIMED_OUT) != 0 &&
	    (run->group.controls & CGROUP_CPU) != 0 && l->cpu_percent > 0)
		add_note_of_cpu(end, a, l->cpu_percent);
	/* The filter ends nothing else. */
	if (is_ended_by(end->code, SIGSYS))
		ctl_add_violation(end,
		    "system call of another kind of program (32-bit, x32)");
}

/* By the signal that such a filter ends a process with. */
static bool
was_filtered(int pidfd)
{
	siginfo_t info = { .si_pid = 0 };

	return pidfd >= 0 &&
	    waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) ==
	    0 &&
	    info.si_pid > 0 && info.si_code != CLD_EXITED &&
	    info.si_status == SIGSYS;
}

const char *
ending_without_report(int pidfd, int group_events, const struct plan *plan,
    char text[static ENDING_TEXT_MAX])
{
	struct outcome o = { .exit = -1 };

	if (was_filtered(pidfd))
		return "a system call filter that was in force here before "
		       "killed the sandbox: it makes calls that this forbids";
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
	if ((end->flags & (CTL_MEMORY | CTL_DISK | CTL_OUTPUT)) != 0)
		say_exceeded(ret, end->flags, plan, text);
}
