/*
 * When the first process of a run serves another, and how it begins anew.
 * Runs in: assent-exec, as the first process of a prepared run.
 * Trusts: its launcher; nothing that comes from the run.
 * Owns: nothing.
 */
#include "init/init_int.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cgroup.h"

/* What is lent, kept or watched for one run is that run's alone; a strict
 * profile wants nothing that need be argued for. */
static bool
is_plain(const struct plan *p)
{
	return !p->strict && !p->online && !p->overlay && !p->tty &&
	    !p->unconfined && !p->has_stdin && p->stdin_text.len == 0 &&
	    p->edit_count == 0 && p->pin_count == 0 && p->deny_count == 0 &&
	    p->credential_count == 0 && p->limits.cpu_percent == 0;
}

/* The one command ended by itself, was alone, and asked for nothing. */
static bool
was_quiet(const struct init *in)
{
	return in->alone && !in->killing && !in->others && !in->told &&
	    !in->gate.asked && !in->gate.traces && in->gate.workers == 0 &&
	    in->gate.violation_total == 0 && in->flags == 0 &&
	    in->text[0] == '\0' && WIFEXITED(in->status) &&
	    cgroup_oom_kills(in->job->group_events) == 0;
}

void
init_judge(struct init *in)
{
	const struct job *j = in->job;

	in->as_new = !j->fresh && !j->bare && j->netns >= 0 &&
	    j->value_count == 0 && !in->not_joined && in->net.count == 0 &&
	    in->root.layer < 0 && is_plain(j->plan) && was_quiet(in) &&
	    again_holds(&in->again);
}

/* What the run was told is not there for the next one to find. */
static void
forget(struct init *in)
{
	in->job->plan = in->template;
	in->spawn = (struct command_spawn){ .domain = -1 };
	explicit_bzero(in->record, in->record_len);
	in->record_len = 0;
	arena_wipe(in->arena);
	arena_free(in->arena);
	in->arena = NULL;
	gate_close(&in->gate);
	memset(&in->gate, 0, offsetof(struct gate, own));
	in->gate.listener = -1;
	watch_close(&in->watch);
	memory_free(in->memory);
	in->memory = NULL;
	in->command = 0;
	in->flags = 0;
	in->status = 0;
	in->ended = in->started = in->alone = in->as_new = false;
}

/*
 * The kernel takes down our namespaces when we end, on a processor that those
 * who hear of the run's end may need. The launcher says when it is time.
 */
static void
wait_for_release(int ctl)
{
	char ignored;

	while (recv(ctl, &ignored, 1, 0) > 0 || errno == EINTR)
		;
}

bool
init_begins_again(struct init *in)
{
	if (!in->as_new) {
		wait_for_release(in->job->ctl);
		return false;
	}
	forget(in);
	return job_receive_again(in->job->ctl, in->job->stdio);
}
