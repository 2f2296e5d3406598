/*
 * The administrator's requirements, held against what is proposed: whose word
 * is above rules, grants, reviewers and people.
 * Runs in: engine.  Trusts: the configuration.  Owns: nothing.
 */
#include <string.h>

#include "base/text.h"
#include "engine_int.h"
#include "model/requirements.h"

#define WHY_BYTES_MAX ((size_t)4096)
#define BODY_MAX ((size_t)1 << 20)

static int
deny(struct action *a, const struct config_requirement *q, struct buf *why,
    struct err *e)
{
	struct classification *c = &a->classification;

	buf_puts(why, ": ");
	requirement_put(q, why);
	buf_puts(why, ".");
	c->decision = DECISION_DENY;
	c->by = BY_CEILING;
	c->floor = true;
	c->rule = (struct rule_ref){ .id = NULL };
	c->suggest = NULL;
	c->reason = arena_strdup(a->arena,
	    why->failed != 0 ? "It is not permitted here." : buf_cstr(why));
	return c->reason == NULL ? err_nomem(e) : ERR_OK;
}

static int
hold_client(struct engine *g, struct action *a, struct err *e)
{
	AUTO_BUF struct buf why = BUF_INIT(WHY_BYTES_MAX);
	const struct config_requirement *q;
	const char *agent = a->proposal.agent_name;

	if (requirements_permit_client(g->o.set.ceiling, agent, &q))
		return ERR_OK;
	buf_puts(&why, "The client '");
	text_escape(&why, str_of(agent == NULL ? REQUIREMENT_UNNAMED : agent));
	buf_puts(&why, "' may not propose here");
	return deny(a, q, &why, e);
}

static int
hold_host(struct engine *g, struct action *a, const char *host, struct err *e)
{
	AUTO_BUF struct buf why = BUF_INIT(WHY_BYTES_MAX);
	const struct config_requirement *q;

	if (a->classification.by == BY_CEILING ||
	    requirements_permit_host(g->o.set.ceiling, host, &q))
		return ERR_OK;
	if (host == NULL) {
		buf_puts(&why,
		    "Which host it reaches cannot be told, and the client "
		    "runs it by itself");
	} else {
		buf_puts(&why, "The host '");
		text_escape(&why, str_of(host));
		buf_puts(&why, "' may never be reached from here");
	}
	return deny(a, q, &why, e);
}

/* What assent runs reaches no host but those of its plan; what a client runs,
 * whatever it names. */
static int
hold_effects(struct engine *g, struct action *a, struct err *e)
{
	const struct classification *c = &a->classification;
	int r = ERR_OK;

	for (size_t p = 0; r == 0 && p < c->part_count; p++) {
		const struct part *part = &c->parts[p];

		for (size_t i = 0; r == 0 && i < part->effect_count; i++) {
			const struct effect *ef = &part->effects[i];

			if (ef->kind == EFFECT_CONNECT &&
			    (ef->target != NULL ||
				a->proposal.executor == EXECUTOR_CLIENT))
				r = hold_host(g, a, ef->target, e);
		}
	}
	return r;
}

int
engine_hold_to_ceiling(struct engine *g, struct action *a, struct err *e)
{
	const struct execution_profile *p = &a->classification.profile;
	const struct tool_input *in = &a->proposal.input;
	int r;

	if (g->o.set.ceiling == NULL || g->o.set.ceiling->line_count == 0 ||
	    a->classification.by == BY_CEILING)
		return ERR_OK;
	r = hold_client(g, a, e);
	for (size_t i = 0; r == 0 && i < p->host_count; i++)
		r = hold_host(g, a, p->hosts[i], e);
	for (size_t i = 0; r == 0 && i < in->host_count; i++)
		r = hold_host(g, a, in->hosts[i], e);
	return r == 0 ? hold_effects(g, a, e) : r;
}

/* Anybody who may speak to the daemon may know what holds for him. */
void
engine_requirements(struct engine *g, const struct call *c)
{
	static const struct config_ceiling none = { .file = NULL };
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);

	requirements_to_json(
	    g->o.set.ceiling == NULL ? &none : g->o.set.ceiling, &body);
	if (body.failed != 0)
		engine_problem(g, c->id, 413, "limit",
		    "the requirements are too long for one answer; read them "
		    "with 'assent requirements --offline'");
	else
		engine_reply_json(g, c->id, 200, buf_str(&body));
}
