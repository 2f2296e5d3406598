/*
 * What a command is connected to, and when it need not be waited for.
 * Runs in: assent-exec, as the first process of a run.  Trusts: the plan.
 * Owns: nothing.
 */
#include <string.h>

#include "init/init_int.h"
#include "init/terminal.h"
#include "start/ctl.h"

/* Of the run's own devices, so that its name is known inside. */
int
init_terminal(struct job *j, struct err *e)
{
	struct ctl m = { .type = CTL_TERMINAL, .has_fd = true };
	AUTO_FD int master = -1;
	int slave, r = terminal_open(&master, &slave, e);

	if (r != 0)
		return r;
	j->tty = slave;
	for (int i = 0; i < 3; i++)
		j->stdio[i] = slave;
	m.fd = master;
	return ctl_send(j->ctl, &m) == 0
	    ? ERR_OK
	    : err_set(e, ERR_SYS, "cannot hand the terminal over");
}

void
init_take_group(struct job *j, const struct cgroup *g)
{
	for (size_t i = 0; i < CGROUP_PLACES_MAX; i++)
		j->join[i] = i < g->join_count ? g->join[i] : -1;
	j->join_count = g->join_count;
	j->group_events = g->events;
	j->controls = g->controls;
}

void
init_connect(struct init *in)
{
	struct job *j = in->job;
	struct command_spawn *c = &in->spawn;

	memcpy(c->stdio, j->stdio, sizeof(c->stdio));
	c->tty = j->tty;
	c->values = j->values;
	c->value_count = j->value_count;
}

bool
init_is_at_once(const struct init *in)
{
	const struct job *j = in->job;

	return j->fresh && !j->bare && !j->plan->tty &&
	    j->plan->edit_count == 0 && in->net.count == 0;
}
