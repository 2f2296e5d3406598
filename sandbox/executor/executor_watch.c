/*
 * Watch over launchers: one that does not answer - somebody stopped it, a file
 * system hangs - is given up with all that it runs.
 * Runs in: engine.  Trusts: nothing of a launcher.  Owns: the watch's timer.
 */
#include "executor/executor_int.h"

#include "base/log.h"
#include "proto.h"

/* Each beat lasts a part of the patience. They are counted, not timed: an
 * engine that was stopped itself has not heard anybody meanwhile. */
#define BEATS 3
/* With one that applies changes, which may be a gigabyte to a slow disk, and
 * is not to be torn apart. */
#define BEATS_OF_CHANGES (20 * BEATS)

static void on_beat(void *ctx);

void
executor_watch(struct executor *x)
{
	struct err e = ERR_INIT;

	if (x->beat != NULL ||
	    (x->runs == NULL && !copies_wait(&x->copies, NULL)))
		return;
	if (loop_after(
		x->loop, x->patience_ms / BEATS, on_beat, x, &x->beat, &e) != 0)
		log_err("launchers-unwatched", "why=%s", e.msg);
}

void
executor_unwatch(struct executor *x)
{
	loop_cancel(x->loop, x->beat);
	x->beat = NULL;
}

int
executor_on_pong(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher_link *l = ctx;
	const struct rec r = rec_of(m->payload);

	l->pinged = false;
	return rec_done(&r, e);
}

static bool
is_used(const struct launcher_link *l)
{
	for (const struct started *s = l->x->runs; s != NULL; s = s->next) {
		if (s->by == l)
			return true;
	}
	return false;
}

/* True: it is given up. */
static bool
is_silent(struct launcher_link *l)
{
	const bool changes = copies_wait(&l->x->copies, l->ipc);

	if (!is_used(l) && !changes) {
		l->pinged = false;
		return false;
	}
	if (l->pinged)
		return ++l->missed >= (changes ? BEATS_OF_CHANGES : BEATS);
	l->pinged = true;
	l->missed = 0;
	/* A link that is broken says so by itself. */
	(void)ipc_send(l->ipc, XL_PING, STR(""), -1, NULL);
	return false;
}

static void
give_up(struct launcher_link *l)
{
	struct executor *x = l->x;
	struct err why = ERR_INIT;

	(void)err_set(&why, ERR_CONFLICT,
	    "it did not answer for %lld ms (sandbox.launcher_timeout), as one "
	    "that was stopped or waits for a file system; it was killed with "
	    "all that it ran",
	    (long long)x->patience_ms);
	log_err("launcher-silent", "uid=%u gid=%u why=%s", (unsigned)l->uid,
	    (unsigned)l->gid, why.msg);
	/* Before anybody can ask for the next one. */
	if (x->ev->silent != NULL)
		x->ev->silent(x->ctx, l->uid, l->gid);
	executor_lost(l, &why);
}

static void
on_beat(void *ctx)
{
	struct executor *x = ctx;
	struct launcher_link *next;

	x->beat = NULL;
	for (struct launcher_link *l = x->launchers; l != NULL; l = next) {
		next = l->next;
		if (is_silent(l))
			give_up(l);
	}
	executor_watch(x);
}
