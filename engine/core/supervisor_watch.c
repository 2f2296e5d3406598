/*
 * Watch over roles: one that does not answer is killed, and started again.
 * Runs in: supervisor.  Trusts: nothing of a role.  Owns: the watch's timer.
 */
#include "base/log.h"
#include "supervisor_int.h"

/* Each beat lasts a part of the patience. They are counted, not timed: who was
 * stopped himself has not heard anybody meanwhile. */
#define BEATS 3

static void
look_after(struct child *c)
{
	if (c->state != CHILD_UP || c->link == NULL || c->stop_sent) {
		c->pinged = false;
		return;
	}
	if (c->pinged && ++c->missed >= BEATS) {
		log_err("role-killed",
		    "role=%s pid=%d why=it did not answer for %lld ms "
		    "(role_timeout)",
		    c->role->name, (int)c->pid,
		    (long long)c->s->config->role_timeout_ms);
		supervisor_end_child(c);
	} else if (!c->pinged) {
		c->pinged = true;
		c->missed = 0;
		(void)ipc_send(c->link, SR_PING, STR(""), -1, NULL);
	}
}

static void
on_beat(void *ctx)
{
	struct supervisor *s = ctx;

	s->beat = NULL;
	for (size_t i = 0; i < s->child_count; i++)
		look_after(&s->children[i]);
	supervisor_watch(s);
}

void
supervisor_watch(struct supervisor *s)
{
	struct err e = ERR_INIT;

	if (loop_after(s->loop, s->config->role_timeout_ms / BEATS, on_beat, s,
		&s->beat, &e) != 0)
		log_err("roles-unwatched", "why=%s", e.msg);
}

void
supervisor_unwatch(struct supervisor *s)
{
	loop_cancel(s->loop, s->beat);
	s->beat = NULL;
}

int
supervisor_on_pong(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct child *c = ctx;
	const struct rec rec = rec_of(m->payload);

	c->pinged = false;
	return rec_done(&rec, e);
}
