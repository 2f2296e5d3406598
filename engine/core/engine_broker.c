/*
 * Credentials of runs: the broker's link before a run starts, and a row
 * before each use.
 * Runs in: engine.  Trusts: the broker for what it says is used; the engine
 * itself never sees a secret.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine_int.h"

#define BODY_MAX ((size_t)16 << 10)
#define USES_PER_RUN_MAX 20000 /* a row each: it could fill the disk */
#define DISPLAY_MAX ((size_t)8 << 10)
#define NO_PORT 1 /* where it is not known */

/* ---- before a run ----------------------------------------------------------- */

static int
ask_broker(struct engine *g, struct live *l, struct err *e)
{
	const struct action *a = l->a;
	struct launch *wait;
	struct broker_run run = {
		.action_id = a->id,
		.scope = {
			.uid = a->proposer.uid,
			.session = a->proposal.session,
			.agent = a->proposal.agent_name,
			.profile = l->plan.credentials,
		},
		.values = l->plan.values,
	};
	int r;

	if (g->o.out.broker_run == NULL ||
	    g->o.executor_port->give_broker == NULL)
		return err_set(e, ERR_SYS, "this daemon has no broker");
	if (g->launch_count == LAUNCHES_MAX)
		return err_set(
		    e, ERR_LIMIT, "too many runs wait to be started");
	run.ticket = ++g->next_ticket;
	r = g->o.out.broker_run(g->o.out.ctx, &run, e);
	if (r != 0)
		return r;
	wait = &g->launches[g->launch_count++];
	wait->ticket = run.ticket;
	wait->broker = true;
	memcpy(wait->id, a->id, sizeof(wait->id));
	return ERR_OK;
}

bool
engine_broker_first(struct engine *g, struct live *l)
{
	char text[ERR_MSG_MAX + 64];
	struct err why = ERR_INIT;

	if (l->plan.credentials == NULL)
		return false;
	if (ask_broker(g, l, &why) != 0) {
		(void)snprintf(text, sizeof(text),
		    "the broker of its credentials: %s", why.msg);
		engine_run_failed(g, l, text);
	}
	return true;
}

void
engine_broker_link(struct engine *g, uint64_t ticket, int fd)
{
	struct live *l = engine_take_launch(g, ticket);
	AUTO_FD int link = fd;
	struct err why = ERR_INIT;

	if (l == NULL)
		return;
	if (g->o.executor_port->give_broker(
		g->o.executor, l->a, TAKE_FD(link), &why) != 0)
		engine_run_failed(g, l, why.msg);
	else
		engine_start_now(g, l);
}

void
engine_broker_refused(struct engine *g, uint64_t ticket, const char *why)
{
	struct live *l = engine_take_launch(g, ticket);
	char text[ERR_MSG_MAX + 64];

	(void)snprintf(
	    text, sizeof(text), "the broker of its credentials: %s", why);
	if (l != NULL)
		engine_run_failed(g, l, text);
}

void
engine_broker_gone(struct engine *g)
{
	for (size_t i = g->launch_count; i > 0; i--) {
		if (i <= g->launch_count && g->launches[i - 1].broker)
			engine_broker_refused(
			    g, g->launches[i - 1].ticket, "it ended");
	}
}

/* ---- before a use ------------------------------------------------------------ */

static void
tell(struct engine *g, uint64_t use, bool allowed)
{
	if (g->o.out.broker_verdict != NULL)
		g->o.out.broker_verdict(g->o.out.ctx, use, allowed);
}

void
engine_broker_used(struct engine *g, const struct change *c, bool durable)
{
	tell(g, c->use, durable);
}

static void
put_body(struct engine *g, const struct broker_use *u, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "credential", u->credential);
	if (u->host != NULL)
		jsonw_kstr(&w, "host", u->host);
	if (u->port != 0)
		jsonw_kint(&w, "port", u->port);
	row_put_remark(g, &w, "what", u->what);
	jsonw_end(&w);
}

static int
record(
    struct engine *g, struct live *l, const struct broker_use *u, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct change change = { .live = l, .use = u->number };
	int r;

	put_body(g, u, &body);
	r = buf_done(&body, e);
	if (r == 0)
		r = engine_append(
		    g, &change, ROW_CREDENTIAL, buf_str(&body), NULL, e);
	if (r == 0)
		r = engine_credential_note(g, l->a, u, e);
	/* The action itself does not change: uses of a batch share it. */
	change.live = NULL;
	return r != 0 ? r : engine_push(g, &change, e);
}

/* ---- a person is asked ------------------------------------------------------- */

int
engine_broker_keep(struct live *l, const struct broker_use *u, struct err *e)
{
	struct arena *a = l->a->arena;
	struct broker_use *k = arena_alloc(a, sizeof(*k));

	if (k == NULL)
		return err_nomem(e);
	*k = (struct broker_use){
		.number = u->number,
		.action_id = arena_strdup(a, u->action_id),
		.credential = arena_strdup(a, u->credential),
		.host = u->host == NULL ? NULL : arena_strdup(a, u->host),
		.port = u->port,
		.what = arena_strdup(a, u->what),
	};
	if (arena_failed(a))
		return err_nomem(e);
	l->use = k;
	return ERR_OK;
}

/*
 * The question names no host that anything else is about: an answer for the
 * host, or one that lasts, is none for the credential.
 */
static int
ask(struct engine *g, struct live *run, const struct broker_use *u,
    struct err *e)
{
	char host[BROKER_WHAT_MAX];
	const struct net_question q = {
		.host = host,
		.port = u->port == 0 ? NO_PORT : u->port,
		.protocol = "credential",
		.use = u,
	};

	(void)snprintf(host, sizeof(host), "%s%s%s.credential.invalid",
	    u->host == NULL ? "" : u->host, u->host == NULL ? "" : ".",
	    u->credential);
	g->n.proposed++;
	return engine_net_ask(g, run, &q, e);
}

static void
show_part(struct part *p, const char *display)
{
	p->text = display;
	for (size_t i = 0; i < p->effect_count; i++)
		p->effects[i].why = "stands for the use of a credential";
}

/* That name is for rules and grants; people read what it stands for. */
int
engine_broker_show(const struct live *l, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(DISPLAY_MAX);
	const struct broker_use *u = l->use;
	struct classification *c = &l->a->classification;

	buf_printf(&b, "use the credential %s", u->credential);
	if (u->host != NULL)
		buf_printf(&b, " for %s:%u", u->host, (unsigned)u->port);
	buf_printf(&b, ": %s", u->what);
	if (buf_done(&b, e) != 0)
		return ERR_NOMEM;
	c->display = arena_strndup(l->a->arena, b.s, b.len);
	if (c->display == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < c->part_count; i++)
		show_part(&c->parts[i], c->display);
	c->profile.network = "opens no connection: it is about a credential";
	/* A rule that asks or denies says why itself. */
	if (c->decision < DECISION_ASK)
		c->reason = "The settings say that a person is asked before "
			    "this credential is used.";
	return ERR_OK;
}

void
engine_broker_answered(struct engine *g, const struct live *l, bool allowed)
{
	struct live *run = live_find(g->live, l->use->action_id);
	struct err why = ERR_INIT;

	if (!allowed || run == NULL || run->a->stage != STAGE_RUNNING)
		tell(g, l->use->number, false);
	else if (record(g, run, l->use, &why) != 0) {
		log_warn("credential", "id=%s not recorded: %s", run->a->id,
		    why.msg);
		tell(g, l->use->number, false);
	}
}

void
engine_broker_use(struct engine *g, const struct broker_use *u)
{
	struct live *l = live_find(g->live, u->action_id);
	struct err why = ERR_INIT;

	if (l == NULL || l->a->stage != STAGE_RUNNING)
		(void)err_set(&why, ERR_DENIED, "its run is over");
	else if (l->credential_rows++ >= USES_PER_RUN_MAX)
		(void)err_set(&why, ERR_LIMIT,
		    "a run uses credentials %d times at most",
		    USES_PER_RUN_MAX);
	else if ((u->ask ? ask(g, l, u, &why) : record(g, l, u, &why)) == 0)
		return;
	log_warn("credential", "id=%s credential=%s not used: %s", u->action_id,
	    u->credential, why.msg);
	tell(g, u->number, false);
}
