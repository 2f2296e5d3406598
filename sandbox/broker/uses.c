/*
 * Nothing is used before the engine says that it is recorded.
 * Runs in: assent-broker.  Trusts: the engine.  Owns: what waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "broker.h"

#define USES_MAX 4096

static bool
is_remembered(const struct broker_run_state *r, const struct use *u)
{
	for (size_t i = 0; i < r->remembered_count; i++) {
		if (r->remembered[i].h == u->h &&
		    strcmp(r->remembered[i].host, u->host) == 0)
			return true;
	}
	return false;
}

/* Once for each host (ssh: user and server): then it asks no more, and is only
 * recorded. Where it is not known who the server is each use asks. */
static void
remember(struct broker_run_state *r, const struct use *u)
{
	struct answer *a;

	if (u->host[0] == '\0' ||
	    r->remembered_count == BROKER_REMEMBERED_MAX || is_remembered(r, u))
		return;
	a = &r->remembered[r->remembered_count++];
	a->h = u->h;
	memcpy(a->host, u->host, sizeof(a->host));
}

static int
send_use(struct use *u, const struct use_wish *w, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(BROKER_MESSAGE_MAX);
	struct broker *k = u->run->b;
	const struct broker_use out = {
		.number = u->number,
		.action_id = u->run->id,
		.credential = w->h->c->name,
		.host = w->host,
		.port = w->port,
		.what = w->what,
		.ask = u->asked,
	};
	int r;

	if (k->engine == NULL)
		return err_set(e, ERR_SYS, "the engine is not there");
	broker_use_put(&b, &out);
	r = buf_done(&b, e);
	return r != 0 ? r : ipc_send(k->engine, BE_USE, buf_str(&b), -1, e);
}

static size_t
count(const struct broker *b)
{
	size_t n = 0;

	for (const struct use *u = b->uses; u != NULL; u = u->next)
		n++;
	return n;
}

static void
put_same(struct use *u, const struct use_wish *w)
{
	if (w->same != NULL)
		(void)snprintf(u->host, sizeof(u->host), "%s", w->same);
	else
		(void)snprintf(u->host, sizeof(u->host), "%s:%u",
		    w->host == NULL ? "" : w->host, (unsigned)w->port);
}

int
broker_ask(struct broker_run_state *run, const struct use_wish *w,
    broker_used_fn *fn, void *ctx, uint64_t *ret, struct err *e)
{
	AUTO_FREE struct use *u = mem_new(1, sizeof(*u));
	int r;

	if (u == NULL)
		return err_nomem(e);
	if (count(run->b) >= USES_MAX)
		return err_set(e, ERR_LIMIT, "too many uses wait");
	u->number = ++run->b->last_use;
	u->fn = fn;
	u->ctx = ctx;
	u->run = run;
	u->h = w->h;
	put_same(u, w);
	u->asked = w->h->c->ask && !is_remembered(run, u);
	r = send_use(u, w, e);
	if (r != 0)
		return r;
	*ret = u->number;
	u->next = run->b->uses;
	run->b->uses = TAKE_PTR(u);
	return ERR_OK;
}

static struct use *
take(struct broker *b, uint64_t number)
{
	for (struct use **at = &b->uses; *at != NULL; at = &(*at)->next) {
		struct use *u = *at;

		if (u->number != number)
			continue;
		*at = u->next;
		return u;
	}
	return NULL;
}

void
broker_forget_use(struct broker *b, uint64_t number)
{
	struct use *u = take(b, number);

	free(u);
}

void
broker_verdict(struct broker *b, uint64_t number, bool allowed)
{
	AUTO_FREE struct use *u = take(b, number);

	if (u == NULL)
		return; /* the connection is gone */
	if (!allowed)
		log_info("not-used", "id=%s credential=%s host=%s", u->run->id,
		    u->h->c->name, u->host);
	else if (u->asked)
		remember(u->run, u);
	u->fn(u->ctx, allowed);
}

void
broker_refuse_all(struct broker *b)
{
	while (b->uses != NULL)
		broker_verdict(b, b->uses->number, false);
}
