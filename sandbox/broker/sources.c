/*
 * What the supervisor opens for the broker while it works: it alone may.
 * Runs in: assent-broker.  Trusts: the supervisor.  Owns: what is waited for.
 */
#include "sources.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/messages.h"

#define MESSAGE_MAX 16

int
broker_open_source(struct broker *b, const struct holding *h,
    broker_opened_fn *fn, void *ctx, uint64_t *ret, struct err *e)
{
	AUTO_FREE struct opening *o = mem_new(1, sizeof(*o));
	AUTO_BUF struct buf m = BUF_INIT(MESSAGE_MAX);
	int r;

	if (o == NULL)
		return err_nomem(e);
	o->number = ++b->last_opening;
	o->fn = fn;
	o->ctx = ctx;
	rec_put_u64(&m, o->number);
	rec_put_u32(&m, (uint32_t)(h - b->held));
	r = ipc_send(b->env->supervisor, RS_SOURCE, buf_str(&m), -1, e);
	if (r != 0)
		return r;
	*ret = o->number;
	o->next = b->openings;
	b->openings = TAKE_PTR(o);
	return ERR_OK;
}

static struct opening *
take(struct broker *b, uint64_t number)
{
	for (struct opening **at = &b->openings; *at != NULL;
	     at = &(*at)->next) {
		struct opening *o = *at;

		if (o->number != number)
			continue;
		*at = o->next;
		return o;
	}
	return NULL;
}

void
broker_forget_source(struct broker *b, uint64_t number)
{
	free(take(b, number));
}

void
broker_source_opened(struct broker *b, uint64_t number, int fd, const char *why)
{
	AUTO_FREE struct opening *o = take(b, number);
	AUTO_FD int taken = fd;

	if (o != NULL)
		o->fn(o->ctx, TAKE_FD(taken), why);
}
