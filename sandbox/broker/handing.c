/*
 * Values that a run is handed: recorded first, then put into its link as
 * sealed memory, wiped when the run is over.
 * Runs in: assent-broker.  Trusts: the engine for what may be handed out.
 * Owns: the values of its runs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "broker.h"
#include "credentials/handed.h"
#include "sandbox/broker_proto.h"

#define WHY_MAX 256
#define WHAT "the run itself is handed its value"

struct item {
	struct handing *of;
	const struct holding *h;
	uint64_t use; /* that is waited for; 0: none */
	struct handed value; /* once it has been */
};

struct handing {
	struct broker_run_state *run;
	uint64_t ticket;
	int link; /* the run's end, until the engine has it */
	struct item items[CREDENTIAL_VALUES_MAX];
	size_t count, allowed;
};

void
broker_take_back(struct broker_run_state *r)
{
	struct handing *n = r->handing;

	if (n == NULL)
		return;
	r->handing = NULL;
	for (size_t i = 0; i < n->count; i++) {
		if (n->items[i].use != 0)
			broker_forget_use(r->b, n->items[i].use);
		handed_wipe(&n->items[i].value);
	}
	fd_closep(&n->link);
	free(n);
}

/* In the order of the settings, which is that of the plan. */
static int
hand_out(struct handing *n, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < n->count; i++) {
		struct item *it = &n->items[i];

		if (it->h->u == NULL || it->h->u->value == NULL)
			return err_set(e, ERR_NOTFOUND,
			    "the secret of credential '%s' is gone",
			    it->h->c->name);
		r = handed_make(usable_value(it->h->u), &it->value, e);
		if (r == 0)
			r = broker_give_value(
			    n->run->link, it->h->c->name, it->value.fd, e);
		/* The run's is another; ours is the mapping. */
		fd_closep(&it->value.fd);
	}
	return r;
}

/* The run ends with a refusal; it takes everything here with it. */
static void
refuse(struct handing *n, const char *why)
{
	struct broker *b = n->run->b;

	log_warn("refused", "id=%s why=%s", n->run->id, why);
	broker_refuse_run(b, n->ticket, why);
	broker_run_free(n->run);
}

static void
on_used(void *ctx, bool allowed)
{
	struct item *it = ctx;
	struct handing *n = it->of;
	struct err e = ERR_INIT;
	char why[WHY_MAX];
	int r;

	it->use = 0;
	if (!allowed) {
		(void)snprintf(why, sizeof(why),
		    "the run may not be handed '%s'", it->h->c->name);
		refuse(n, why);
		return;
	}
	if (++n->allowed < n->count)
		return;
	r = hand_out(n, &e);
	if (r == 0)
		r = broker_send_link(n->run->b, n->ticket, n->link, &e);
	fd_closep(&n->link);
	if (r != 0)
		refuse(n, e.msg);
}

static int
choose(struct handing *n, struct err *e)
{
	const struct broker_run_state *r = n->run;

	for (size_t i = 0; i < r->b->held_count; i++) {
		const struct holding *h = &r->b->held[i];

		if (credential_kind_of(h->c) != CREDENTIAL_VALUE ||
		    !credential_fits(h->c, &r->scope))
			continue;
		if (h->u == NULL || h->u->value == NULL)
			return err_set(e, ERR_NOTFOUND,
			    "the secret of credential '%s' is not there",
			    h->c->name);
		if (n->count == CREDENTIAL_VALUES_MAX)
			return err_set(e, ERR_LIMIT, "too many values");
		n->items[n->count++] = (struct item){
			.of = n,
			.h = h,
			.value = { .fd = -1 },
		};
	}
	return n->count > 0
	    ? ERR_OK
	    : err_set(e, ERR_DENIED, "no value is for this run");
}

int
broker_hand_over(
    struct broker_run_state *r, uint64_t ticket, int link, struct err *e)
{
	AUTO_FD int taken = link;
	struct handing *n = mem_new(1, sizeof(*n));
	int code;

	if (n == NULL)
		return err_nomem(e);
	n->run = r;
	n->ticket = ticket;
	n->link = TAKE_FD(taken);
	r->handing = n;
	code = choose(n, e);
	for (size_t i = 0; code == 0 && i < n->count; i++) {
		const struct use_wish w = {
			.h = n->items[i].h,
			.what = WHAT,
			.same = "", /* each run is another question */
		};

		code = broker_ask(
		    r, &w, on_used, &n->items[i], &n->items[i].use, e);
	}
	return code;
}
