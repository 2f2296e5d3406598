/*
 * The last word of a run: how it ended, and what was not enforced.
 * Runs in: assent-exec, as the first process of a run.  Trusts: nothing that
 * comes from the run.
 * Owns: nothing.
 */
#include "init/init_int.h"

#include "start/ctl.h"
#include "init/require.h"

/* What could not be enforced is said, too. */
static void
add_notes(const struct init *in, struct ctl *m)
{
	ctl_add_violation(m, require_weaker());
	if (in->job->plan->limits.cpu_percent > 0 &&
	    (in->job->controls & CGROUP_CPU) == 0)
		ctl_add_violation(m,
		    "note: no control group limits the share of a processor "
		    "here, only the time that a run may take");
	if (in->not_joined)
		ctl_add_violation(m,
		    "note: its control group could not be entered: memory is "
		    "measured, not limited");
	for (size_t i = 0; in->job->bare && bare_notes[i] != NULL; i++)
		ctl_add_violation(m, bare_notes[i]);
	for (size_t i = 0; i < in->job->note_count; i++)
		ctl_add_violation(m, in->job->notes[i]);
	for (size_t i = 0; i < in->root.note_count; i++)
		ctl_add_violation(m, in->root.notes[i]);
}

void
init_report(struct init *in)
{
	struct ctl m = {
		.type = CTL_ENDED,
		.code = in->status,
		.flags = in->flags |
		    (in->job->netns >= 0 && !in->gate.traces
			    ? (uint32_t)CTL_NO_TRACES
			    : 0U) |
		    (in->as_new ? (uint32_t)CTL_AS_NEW : 0U),
		.violation_total = in->gate.violation_total,
		.violation_count = in->gate.violation_count,
		.text = in->text[0] == '\0' ? NULL : in->text,
	};

	if (cgroup_oom_kills(in->job->group_events) > 0)
		m.flags |= CTL_MEMORY;
	for (size_t i = 0; i < m.violation_count; i++)
		m.violations[i] = in->gate.violations[i];
	add_notes(in, &m);
	m.has_fd = in->root.layer >= 0;
	m.fd = in->root.layer;
	(void)ctl_send(in->job->ctl, &m);
}
