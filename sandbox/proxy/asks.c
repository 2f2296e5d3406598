/*
 * Live questions: asked once, waited for by many, answered or out of time.
 * Runs in: assent-proxy.  Trusts: the launcher's answers.  Owns: the
 * questions; who waits is borrowed.
 */
#include "asks.h"

#include <assert.h>
#include <string.h>

enum ask_state {
	ASK_IDLE, /* the answer was for those who waited */
	ASK_OPEN,
	ASK_ALLOWED,
	ASK_DENIED,
};

struct ask {
	struct asks *asks;
	struct net_host host;
	uint16_t port;
	enum ask_state state;
	uint64_t ticket;
	char who[ASKS_WHO_MAX];
	struct loop_timer *timer;
	struct ask_wait *waits;
};

void
asks_done(struct asks *a)
{
	for (size_t i = 0; i < a->count; i++) {
		loop_cancel(a->loop, a->list[i]->timer);
		mem_freep(&a->list[i]);
	}
	mem_freep(&a->list);
	a->count = 0;
}

void
asks_cancel(struct ask_wait *w)
{
	if (w->at == NULL)
		return;
	*w->at = w->next;
	if (w->next != NULL)
		w->next->at = w->at;
	w->at = NULL;
}

static void
enqueue(struct ask *q, struct ask_wait *w)
{
	assert(w->at == NULL);
	w->next = q->waits;
	w->at = &q->waits;
	if (w->next != NULL)
		w->next->at = &w->next;
	q->waits = w;
}

static void
settle(struct ask *q, bool allow, const char *who, const char *why)
{
	loop_cancel(q->asks->loop, TAKE_PTR(q->timer));
	while (q->waits != NULL) {
		struct ask_wait *w = q->waits;

		asks_cancel(w);
		w->fn(w->ctx, allow, who, why);
	}
}

static void
on_deadline(void *ctx)
{
	struct ask *q = ctx;

	q->timer = NULL;
	q->state = ASK_IDLE;
	settle(q, false, NULL, "nobody answered in time");
}

static struct ask *
find(struct asks *a, const struct net_host *host, uint16_t port)
{
	for (size_t i = 0; i < a->count; i++) {
		struct ask *q = a->list[i];

		if (q->port == port && strcmp(q->host.name, host->name) == 0)
			return q;
	}
	return NULL;
}

static struct ask *
make(struct asks *a, const struct net_host *host, uint16_t port)
{
	AUTO_FREE struct ask *q = NULL;

	if (a->count >= a->max)
		return NULL;
	q = mem_new(1, sizeof(*q));
	if (q == NULL ||
	    mem_grow(&a->list, &a->cap, a->count + 1, sizeof(struct ask *)))
		return NULL;
	*q = (struct ask){ .asks = a, .host = *host, .port = port };
	a->list[a->count++] = q;
	return TAKE_PTR(q);
}

static int
begin(struct asks *a, struct ask *q, enum net_protocol protocol)
{
	const struct proxy_ask question = { .ticket = ++a->tickets,
		.host = q->host.name,
		.port = q->port,
		.protocol = protocol,
		.address = q->host.is_addr ? q->host.name : NULL };
	int r;

	r = loop_after(a->loop, a->wait_ms, on_deadline, q, &q->timer, NULL);
	if (r == 0)
		r = a->send(a->ctx, &question);
	if (r != 0) {
		loop_cancel(a->loop, TAKE_PTR(q->timer));
		return r;
	}
	q->ticket = question.ticket;
	q->state = ASK_OPEN;
	return ERR_OK;
}

void
asks_put(struct asks *a, const struct net_host *host, uint16_t port,
    enum net_protocol protocol, struct ask_wait *w)
{
	struct ask *q = find(a, host, port);

	if (q == NULL)
		q = make(a, host, port);
	if (q == NULL) {
		w->fn(w->ctx, false, NULL, "too many questions in one run");
		return;
	}
	if (q->state == ASK_ALLOWED || q->state == ASK_DENIED) {
		w->fn(w->ctx, q->state == ASK_ALLOWED, q->who, NULL);
		return;
	}
	if (q->state == ASK_IDLE && begin(a, q, protocol) != 0) {
		w->fn(w->ctx, false, NULL, "the question cannot be asked");
		return;
	}
	enqueue(q, w);
}

static void
answer(struct ask *q, const struct proxy_verdict *v)
{
	const char *who = v->who == NULL ? "unknown" : v->who;
	size_t len = strlen(who);

	if (len >= sizeof(q->who))
		len = sizeof(q->who) - 1;
	memcpy(q->who, who, len);
	q->who[len] = '\0';
	if (!v->remember)
		q->state = ASK_IDLE;
	else
		q->state = v->allow ? ASK_ALLOWED : ASK_DENIED;
	settle(q, v->allow, q->who, NULL);
}

void
asks_verdict(struct asks *a, const struct proxy_verdict *v)
{
	for (size_t i = 0; i < a->count; i++) {
		if (a->list[i]->state == ASK_OPEN &&
		    a->list[i]->ticket == v->ticket) {
			answer(a->list[i], v);
			return;
		}
	}
}
