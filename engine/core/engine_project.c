/*
 * Judge by the rules in force and by those of the repository; a proposal
 * waits until the latter are read, once.
 * Runs in: engine.  Trusts: nothing in a repository.  Owns: parked calls.
 */
#include <string.h>

#include "base/log.h"
#include "engine_int.h"
#include "model/config.h"
#include "model/project.h"

#define PARKED_BYTES_MAX ((size_t)4 << 20)
#define RESUME_ARENA_MAX ((size_t)8 << 20)

/* ---- asking for them --------------------------------------------------- */

static void
give_problem(struct engine *g, uint64_t ticket, const char *why)
{
	AUTO_BUF struct buf record = BUF_INIT(PROJECT_RECORD_MAX);

	project_put_problem(&record, why);
	engine_project_read(g, ticket, buf_str(&record));
}

/* What the repository's rules are now; begins to read what is not known. */
static struct project_found
look(struct engine *g, const struct action *a)
{
	const struct proposal *p = &a->proposal;
	struct project_found f = { .state = PROJECT_NONE };
	struct err why = ERR_INIT;

	if (g->o.out.project == NULL || p->workspace == NULL ||
	    p->workspace[0] != '/')
		return f;
	f = projects_find(g->projects, a, g->o.env.boot_ns());
	if (f.state == PROJECT_UNREAD &&
	    g->o.out.project(g->o.out.ctx, f.ticket, a->proposer.uid,
		a->proposer.gid, p->workspace, &why) != 0) {
		give_problem(g, f.ticket, why.msg);
		f = projects_find(g->projects, a, g->o.env.boot_ns());
	}
	return f;
}

bool
engine_is_contained(const struct engine *g, const struct action *a)
{
	return a->proposal.executor == EXECUTOR_CLIENT &&
	    config_contains(g->o.set.contained_clients, a->proposal.agent_name);
}

int
engine_classify(struct engine *g, struct action *a, struct err *e)
{
	const struct project_found f = look(g, a);
	int r;

	memset(&a->classification, 0, sizeof(a->classification));
	a->project = f.rules;
	a->contained = engine_is_contained(g, a);
	r = g->o.classifier_port->classify(
	    g->classifier, a, a->arena, &a->classification, e);
	a->project = NULL;
	memcpy(a->classification.policy_sha256, g->policy_sha256, SHA256_LEN);
	memcpy(a->classification.project_sha256, f.sha256, SHA256_LEN);
	return r;
}

bool
engine_project_is_same(struct engine *g, const struct action *a)
{
	const struct project_found f = look(g, a);

	return (f.state == PROJECT_NONE || f.state == PROJECT_KNOWN) &&
	    memcmp(f.sha256, a->classification.project_sha256, SHA256_LEN) == 0;
}

/* ---- waiting for them -------------------------------------------------- */

bool
engine_parks(struct engine *g, const struct call *c, const struct action *a)
{
	struct project_found f;
	struct parked *k;

	if (g->resuming || g->parked_count == PARKED_MAX)
		return false;
	f = look(g, a);
	if (f.ticket == 0 ||
	    (f.state != PROJECT_UNREAD && f.state != PROJECT_READING))
		return false;
	k = &g->parked[g->parked_count];
	*k = (struct parked){
		.ticket = f.ticket,
		.call_id = c->id,
		.call = BUF_INIT(PARKED_BYTES_MAX),
	};
	call_encode(c, &k->call);
	if (buf_done(&k->call, NULL) != 0) {
		buf_free(&k->call);
		return false;
	}
	g->parked_count++;
	return true;
}

static void
unpark(struct engine *g, size_t i, struct buf *ret_call)
{
	*ret_call = g->parked[i].call;
	g->parked_count--;
	memmove(&g->parked[i], &g->parked[i + 1],
	    (g->parked_count - i) * sizeof(g->parked[0]));
}

void
engine_unpark(struct engine *g, uint64_t call_id)
{
	struct buf call;
	size_t i = 0;

	while (i < g->parked_count) {
		if (call_id != 0 && g->parked[i].call_id != call_id) {
			i++;
			continue;
		}
		unpark(g, i, &call);
		buf_free(&call);
	}
}

/* In the order in which they came. */
static void
resume(struct engine *g, struct buf *call)
{
	AUTO(arena_freep) struct arena *a = arena_new(RESUME_ARENA_MAX);
	struct err why = ERR_INIT;
	struct call c;

	if (a == NULL || call_decode(buf_str(call), a, &c, &why) != 0) {
		log_err("project-rules", "a call was lost: %s", why.msg);
		return;
	}
	g->resuming = true;
	if (c.route == ROUTE_EVALUATE)
		engine_evaluate(g, &c);
	else
		engine_propose(g, &c);
	g->resuming = false;
}

static void
resume_all(struct engine *g, uint64_t ticket)
{
	size_t i = 0;

	while (i < g->parked_count) {
		struct buf call;

		if (g->parked[i].ticket != ticket) {
			i++;
			continue;
		}
		unpark(g, i, &call);
		resume(g, &call);
		buf_free(&call);
		i = 0; /* the list has changed: look again */
	}
}

void
engine_project_read(struct engine *g, uint64_t ticket, struct str record)
{
	if (projects_take(g->projects, ticket, record, g->o.env.boot_ns()))
		resume_all(g, ticket);
}

void
engine_project_tick(struct engine *g, int64_t now_ns)
{
	uint64_t ticket;

	while ((ticket = projects_late(g->projects, now_ns)) != 0)
		resume_all(g, ticket);
}
