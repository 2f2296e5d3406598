/*
 * Links to the broker on their way to launchers: each is kept until its run
 * is sent.
 * Runs in: engine.  Trusts: nothing.  Owns: the links that wait.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "executor/executor_int.h"
#include "proto.h"

#define WAITING_MAX 256

struct broker_link {
	char action_id[ACTION_ID_MAX];
	int fd;
	struct broker_link *next;
};

static struct broker_link *
take(struct executor *x, const char *action_id)
{
	for (struct broker_link **at = &x->brokers; *at != NULL;
	     at = &(*at)->next) {
		struct broker_link *b = *at;

		if (strcmp(b->action_id, action_id) != 0)
			continue;
		*at = b->next;
		return b;
	}
	return NULL;
}

static void
discard(struct broker_link *b)
{
	if (b == NULL)
		return;
	fd_closep(&b->fd);
	free(b);
}

int
executor_give_broker(
    struct executor *x, const struct action *a, int fd, struct err *e)
{
	AUTO_FD int link = fd;
	struct broker_link *b;
	size_t count = 0;

	discard(take(x, a->id));
	for (const struct broker_link *k = x->brokers; k != NULL; k = k->next)
		count++;
	if (count >= WAITING_MAX)
		return err_set(e, ERR_LIMIT, "too many runs wait to start");
	b = mem_new(1, sizeof(*b));
	if (b == NULL)
		return err_nomem(e);
	(void)snprintf(b->action_id, sizeof(b->action_id), "%s", a->id);
	b->fd = TAKE_FD(link);
	b->next = x->brokers;
	x->brokers = b;
	return ERR_OK;
}

int
executor_send_broker(struct executor *x, const struct started *s, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(16);
	struct broker_link *b = take(x, s->action_id);
	int r = ERR_OK;

	rec_put_u64(&body, s->number);
	if (b != NULL)
		r = ipc_send(s->by->ipc, XL_BROKER, buf_str(&body), b->fd, e);
	discard(b);
	return r;
}

void
executor_forget_brokers(struct executor *x)
{
	while (x->brokers != NULL) {
		struct broker_link *b = x->brokers;

		x->brokers = b->next;
		discard(b);
	}
}
