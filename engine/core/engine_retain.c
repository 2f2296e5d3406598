/*
 * Retention: old bodies leave the log once every destination has them.
 * Runs in: engine.  Trusts: the recorder.  Owns: nothing.
 */
#include <assert.h>

#include "base/log.h"
#include "engine_int.h"

#define NS_PER_MS INT64_C(1000000)
/* A step at least so often in the time that bodies are kept, and not more
 * often than once an hour for those that are kept for long: each step that
 * drops something is a row, too. */
#define STEPS 24
#define STEP_NS_MAX (3600 * SECOND_NS)
#define DROPPED_MANY 1000

static int64_t
step_ns(int64_t retention_ms)
{
	const int64_t ns = retention_ms * NS_PER_MS / STEPS;

	return ns < STEP_NS_MAX ? ns : STEP_NS_MAX;
}

/*
 * Up to where the destinations of now have the rows. One that has not said
 * yet how far it is has none: a new destination gets whole rows.
 */
static uint64_t
exported(const struct engine *g)
{
	uint64_t least = UINT64_MAX;
	unsigned open = 0;

	for (size_t i = 0; i < FEEDS_MAX; i++) {
		const struct feed *f = &g->feeds[i];

		if (f->name[0] == '\0')
			continue;
		open++;
		if (f->saved < least)
			least = f->saved;
	}
	return open < g->o.set.destinations ? 0 : least;
}

static void
tell_once(struct engine *g, const struct err *why)
{
	if (!g->retain_told)
		log_warn("retention", "drops nothing: %s", why->msg);
	g->retain_told = true;
}

void
engine_retain_tick(struct engine *g)
{
	const struct recorder_port *port = g->o.recorder_port;
	const int64_t keep_ns = g->o.set.retention_ms * NS_PER_MS;
	const int64_t now = g->o.env.boot_ns();
	struct err why = ERR_INIT;
	uint64_t dropped = 0;

	assert(g->change_count == 0);
	if (keep_ns == 0 || port->retain == NULL || now < g->retain_ns)
		return;
	g->retain_ns = now + step_ns(g->o.set.retention_ms);
	if (port->retain(g->o.recorder, g->o.env.real_ns() - keep_ns,
		exported(g), &dropped, &why) != 0) {
		tell_once(g, &why);
		return;
	}
	g->retain_told = false;
	g->n.bodies_dropped += dropped;
	/* many at once: there may be more */
	if (dropped >= DROPPED_MANY)
		g->retain_ns = now;
}
