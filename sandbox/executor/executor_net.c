/*
 * Questions and events of the runs' proxies, between launchers and engine.
 * Runs in: engine.  Trusts: of a launcher nothing but the form of its words.
 * Owns: nothing.
 */
#include "executor/executor_int.h"

#include "base/mem.h"
#include "proto.h"
#include "sandbox/proxy_proto.h"

#define NET_ARENA ((size_t)64 << 10)

int
executor_net_answer(struct launcher_link *l, uint64_t number, uint64_t ticket,
    bool allow, const char *who, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(PROXY_MESSAGE_BYTES);
	const struct proxy_verdict v = {
		.ticket = ticket,
		.allow = allow,
		.remember = true,
		.who = who,
	};
	int r;

	rec_put_u64(&b, number);
	proxy_verdict_put(&b, &v);
	r = buf_done(&b, e);
	return r == 0 ? ipc_send(l->ipc, XL_NET_VERDICT, buf_str(&b), -1, e)
		      : r;
}

int
executor_on_net_ask(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(NET_ARENA);
	struct launcher_link *l = ctx;
	struct rec r = rec_of(m->payload);
	const uint64_t number = rec_u64(&r);
	const struct started *s = executor_find_number(l, number);
	struct proxy_ask ask;
	const int code =
	    a == NULL ? err_nomem(e) : proxy_ask_get(&r, a, &ask, e);

	if (code != 0 || s == NULL || s->is_look)
		return code;
	if (l->x->ev->net_asked == NULL)
		return executor_net_answer(
		    l, number, ask.ticket, false, NULL, e);
	l->x->ev->net_asked(l->x->ctx, s->action_id,
	    &(struct net_question){ .ticket = ask.ticket,
		.host = ask.host,
		.port = ask.port,
		.protocol = net_protocol_name(ask.protocol) });
	return ERR_OK;
}

int
executor_on_net_event(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(NET_ARENA);
	struct launcher_link *l = ctx;
	struct rec r = rec_of(m->payload);
	const struct started *s = executor_find_number(l, rec_u64(&r));
	struct proxy_event ev;
	const int code =
	    a == NULL ? err_nomem(e) : proxy_event_get(&r, a, &ev, e);

	if (code != 0 || s == NULL || s->is_look ||
	    l->x->ev->net_happened == NULL)
		return code;
	l->x->ev->net_happened(l->x->ctx, s->action_id,
	    &(struct net_fact){ .allow = ev.allow,
		.host = ev.host,
		.port = ev.port,
		.address = ev.address,
		.protocol = net_protocol_name(ev.protocol),
		.bytes_up = ev.bytes_up,
		.bytes_down = ev.bytes_down,
		.ms = ev.ms,
		.method = ev.method,
		.by = ev.by,
		.reason = ev.reason });
	return ERR_OK;
}
