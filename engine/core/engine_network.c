/*
 * What a run wants to reach while it runs: a question of its own for each
 * host that nobody has decided on, and a row for each connection.
 * Runs in: engine.  Trusts: nothing that comes from a run but its form.
 * Owns: nothing.
 *
 * The question is an action like any other (tool permission, during the run),
 * so rules, the reviewer, people, grants and the log need nothing new. The
 * run's proxy hears of the answer when it is durable (I1).
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "core/ids.h"
#include "engine_int.h"

#define ROW_BODY_MAX ((size_t)16 << 10)
#define HOST_PORT_MAX 320
#define DISPLAY_MAX 200
#define QUESTIONS_PER_RUN_MAX 64 /* that are open at one time */
#define ROWS_PER_RUN_MAX 1024

/* ---- the question ---------------------------------------------------------- */

static void
answer(struct engine *g, const char *run, uint64_t ticket, bool allow,
    const char *who)
{
	struct err why = ERR_INIT;

	if (g->o.executor_port->net_answer == NULL)
		return;
	if (g->o.executor_port->net_answer(
		g->o.executor, run, ticket, allow, who, &why) != 0)
		log_debug("net-answer", "id=%s why=%s", run, why.msg);
}

/* Also one that the open batch brings in. */
static bool
is_open_of(const struct live *l, const char *run)
{
	return l->a->during != NULL && strcmp(l->a->during, run) == 0 &&
	    (l->a->stage == STAGE_PROPOSED || l->a->stage == STAGE_PENDING);
}

static size_t
open_questions(const struct engine *g, const char *run)
{
	struct live *l = NULL;
	size_t n = 0;

	while ((l = live_next(g->live, l)) != NULL)
		n += is_open_of(l, run);
	return n;
}

static char *
copy(struct arena *a, const char *text)
{
	return text == NULL ? NULL : arena_strdup(a, text);
}

/* Who asks is who started the run, from where he did. */
static int
fill(struct engine *g, const struct action *run, const struct net_question *q,
    struct action *a, struct err *e)
{
	const struct proposal *from = &run->proposal;
	struct proposal *p = &a->proposal;
	uint8_t random[ID_RANDOM_LEN];
	char host[HOST_PORT_MAX], why[DISPLAY_MAX + 128];
	const char *display = run->classification.display;
	const bool v6 = strchr(q->host, ':') != NULL;

	(void)snprintf(host, sizeof(host), v6 ? "[%s]:%u" : "%s:%u", q->host,
	    (unsigned)q->port);
	if (q->use != NULL)
		(void)snprintf(why, sizeof(why),
		    "a running call uses the credential %s: %.*s",
		    q->use->credential, DISPLAY_MAX, q->use->what);
	else
		(void)snprintf(why, sizeof(why),
		    "a running call connects there: %.*s", DISPLAY_MAX,
		    display == NULL ? "?" : display);
	a->proposer = run->proposer;
	a->proposer.home = copy(a->arena, run->proposer.home);
	a->during = copy(a->arena, run->id);
	p->tool = TOOL_PERMISSION;
	p->executor = EXECUTOR_ASSENT;
	p->cwd = copy(a->arena, from->cwd);
	p->workspace = copy(a->arena, from->workspace);
	p->session = copy(a->arena, from->session);
	p->agent_name = copy(a->arena, from->agent_name);
	p->agent_version = copy(a->arena, from->agent_version);
	p->justification = arena_strdup(a->arena, why);
	p->input.hosts = arena_array(a->arena, 1, sizeof(*p->input.hosts));
	if (arena_failed(a->arena))
		return err_nomem(e);
	p->input.hosts[0] = arena_strdup(a->arena, host);
	p->input.host_count = 1;
	if (p->input.hosts[0] == NULL)
		return err_nomem(e);
	if (g->o.env.random(random, sizeof(random)) != 0)
		return err_sys(e, "cannot get random bytes");
	a->proposed_real_ns = g->o.env.real_ns();
	id_make("act", a->proposed_real_ns, random, a->id);
	return ERR_OK;
}

static int
may_ask(struct engine *g, const struct live *run, struct err *e)
{
	if (!g->o.recorder_port->healthy(g->o.recorder, e))
		return ERR_SYS;
	if (open_questions(g, run->a->id) >= QUESTIONS_PER_RUN_MAX ||
	    live_pending(g->live) >= PENDING_MAX ||
	    live_pending_of(g->live, run->a->proposer.uid) >=
		PENDING_PER_UID_MAX)
		return err_set(e, ERR_LIMIT, "too many questions are open");
	return ERR_OK;
}

int
engine_net_ask(struct engine *g, struct live *run, const struct net_question *q,
    struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	struct change change = { .is_new = true };
	struct live *l = NULL;
	int r;

	r = may_ask(g, run, e);
	if (r == 0)
		r = action_new(&a, e);
	if (r == 0)
		r = fill(g, run->a, q, a, e);
	if (r == 0)
		r = live_add(g->live, &a, &l, e);
	if (r != 0)
		return r;
	l->net_ticket = q->ticket;
	if (q->use != NULL)
		r = engine_broker_keep(l, q->use, e);
	if (run->traceparent != NULL)
		l->traceparent = arena_strdup(l->a->arena, run->traceparent);
	if (r == 0)
		r = engine_judge(g, l, e);
	/* Whoever may connect there may not use it for that. */
	if (q->use != NULL && l->a->classification.decision < DECISION_ASK)
		l->a->classification.decision = DECISION_ASK;
	if (r == 0)
		r = engine_rule(g, l, &change, e);
	if (r == 0)
		r = engine_push(g, &change, e);
	if (r != 0) {
		receipt_free(change.receipt);
		live_remove(g->live, l);
	}
	return r;
}

void
engine_net_asked(void *ctx, const char *action_id, const struct net_question *q)
{
	struct engine *g = ctx;
	struct live *run = live_find(g->live, action_id);
	struct err why = ERR_INIT;

	if (run == NULL || run->a->stage != STAGE_RUNNING) {
		answer(g, action_id, q->ticket, false, "the run has ended");
		return;
	}
	g->n.proposed++;
	if (engine_net_ask(g, run, q, &why) != 0)
		answer(g, action_id, q->ticket, false, why.msg);
}

/* ---- the answer ------------------------------------------------------------ */

/* As it stands in the log, so that the connection's row leads to it. */
static const char *
who_decided(const struct action *a)
{
	const struct ruling *r = &a->ruling;

	if (r->by == BY_HUMAN && r->approver != NULL)
		return r->approver;
	if (r->by == BY_GRANT && r->grant != NULL)
		return r->grant;
	if (r->by == BY_RULE && a->classification.rule.id != NULL)
		return a->classification.rule.id;
	return decided_by_name(r->by);
}

void
engine_net_decided(struct engine *g, const struct live *l)
{
	const struct action *a = l->a;
	const bool decided =
	    a->stage == STAGE_DECIDED && a->ruling.decision != DECISION_INVALID;

	if (a->during == NULL || a->stage == STAGE_PENDING)
		return;
	if (l->use != NULL) {
		engine_broker_answered(
		    g, l, decided && a->ruling.decision == DECISION_ALLOW);
		return;
	}
	answer(g, a->during, l->net_ticket,
	    decided && a->ruling.decision == DECISION_ALLOW,
	    decided ? who_decided(a) : stage_name(a->stage));
}

void
engine_net_undone(struct engine *g, const struct live *l)
{
	if (l->use != NULL)
		engine_broker_answered(g, l, false);
	else if (l->a->during != NULL)
		answer(g, l->a->during, l->net_ticket, false,
		    "the question could not be recorded");
}

void
engine_net_run_over(struct engine *g, const char *run)
{
	struct live *of = live_find(g->live, run);
	struct live *l = NULL;

	if (of != NULL)
		engine_net_sums_write(g, of);
	while ((l = live_next(g->live, l)) != NULL) {
		if (is_open_of(l, run))
			engine_withdraw(g, l);
	}
}

/* ---- what happened --------------------------------------------------------- */

static enum decided_by
decided_by(const struct net_fact *f)
{
	if (f->by == NULL)
		return BY_DEFAULT;
	if (strncmp(f->by, "uid:", 4) == 0)
		return BY_HUMAN;
	if (strncmp(f->by, "grt_", 4) == 0)
		return BY_GRANT;
	if (strcmp(f->by, decided_by_name(BY_REVIEWER)) == 0)
		return BY_REVIEWER;
	if (strcmp(f->by, decided_by_name(BY_TIMEOUT)) == 0)
		return BY_TIMEOUT;
	return BY_RULE;
}

static void
put_fact(const struct net_fact *f, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "decision", f->allow ? "allow" : "deny");
	jsonw_kstr(&w, "host", f->host);
	jsonw_kint(&w, "port", f->port);
	jsonw_kstr(&w, "address", f->address);
	jsonw_kstr(&w, "protocol", f->protocol);
	jsonw_kstr(&w, "method", f->method);
	jsonw_kstr(&w, "by", f->by);
	if (decided_by(f) == BY_HUMAN)
		jsonw_kstr(&w, "approver", f->by);
	jsonw_kstr(&w, "reason", f->reason);
	jsonw_key(&w, "bytes_up");
	jsonw_uint(&w, f->bytes_up);
	jsonw_key(&w, "bytes_down");
	jsonw_uint(&w, f->bytes_down);
	jsonw_kint(&w, "ms", f->ms);
	jsonw_end(&w);
}

int
engine_net_append(struct engine *g, const struct action *run,
    const struct net_fact *f, struct str body, struct err *e)
{
	struct change c = { .answer = ANSWER_CALL_NONE };
	const enum decided_by by = decided_by(f);
	const struct row row = {
		.kind = ROW_NETWORK,
		.action_id = run->id,
		.session = run->proposal.session,
		.uid = run->proposer.uid,
		.tool = run->proposal.tool,
		.decision = f->allow ? DECISION_ALLOW : DECISION_DENY,
		.by = by,
		.rule_id = by == BY_RULE ? f->by : NULL,
		.time_real_ns = g->o.env.real_ns(),
		.body = body,
		.action_sha256 = run->sha256,
		.policy_sha256 = g->policy_sha256,
	};
	const int r = g->o.recorder_port->append(
	    g->o.recorder, &row, &c.seq, c.log_hash, NULL, e);

	return r == 0 ? engine_push(g, &c, e) : r;
}

void
engine_net_happened(void *ctx, const char *action_id, const struct net_fact *f)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct engine *g = ctx;
	struct live *run = live_find(g->live, action_id);
	struct err why = ERR_INIT;
	unsigned *rows;
	int r;

	if (f->allow)
		g->n.net_allowed++;
	else
		g->n.net_denied++;
	if (run == NULL)
		return;
	/* Refusals, which cost a run nothing, hide none that went through. */
	rows = &run->net_rows[f->allow];
	if ((*rows)++ == ROWS_PER_RUN_MAX)
		buf_puts(&body,
		    f->allow ? "{\"text\":\"this run makes many connections: "
			       "the others are summed up when it ends\"}"
			     : "{\"text\":\"this run is refused many "
			       "connections: the others are summed up when it "
			       "ends\"}");
	else
		put_fact(f, &body);
	if (*rows > ROWS_PER_RUN_MAX && !engine_net_sum(run, f))
		log_err("store", "id=%s a connection is not counted: %s",
		    action_id, "memory is short");
	if (*rows > ROWS_PER_RUN_MAX + 1)
		return;
	r = buf_done(&body, &why);
	if (r == 0)
		r = engine_net_append(g, run->a, f, buf_str(&body), &why);
	if (r != 0)
		log_err("store", "id=%s a connection is not recorded: %s",
		    action_id, why.msg);
}
