/*
 * Questions, answers and events of a proxy as records.
 * Runs in: assent-exec, assent-proxy.  Trusts: nothing that it reads.
 * Owns: nothing.
 */
#include "sandbox/proxy_proto.h"

void
proxy_ask_put(struct buf *b, const struct proxy_ask *a)
{
	rec_put_u64(b, a->ticket);
	rec_put_cstr(b, a->host);
	rec_put_u16(b, a->port);
	rec_put_u8(b, (uint8_t)a->protocol);
	rec_put_cstr(b, a->address);
}

static enum net_protocol
get_protocol(struct rec *r)
{
	const unsigned p = rec_u8(r);

	if (p > NET_PROTOCOL_LAST)
		r->failed = 1;
	return r->failed ? NET_ANY : (enum net_protocol)p;
}

int
proxy_ask_get(
    struct rec *r, struct arena *a, struct proxy_ask *ret, struct err *e)
{
	*ret = (struct proxy_ask){ .ticket = rec_u64(r) };
	ret->host = rec_cstr(r, a);
	ret->port = rec_u16(r);
	ret->protocol = get_protocol(r);
	ret->address = rec_cstr(r, a);
	if (ret->host == NULL || ret->port == 0)
		return err_set(e, ERR_INVALID, "malformed question of a proxy");
	return rec_done(r, e);
}

void
proxy_verdict_put(struct buf *b, const struct proxy_verdict *v)
{
	rec_put_u64(b, v->ticket);
	rec_put_u8(b, v->allow);
	rec_put_u8(b, v->remember);
	rec_put_cstr(b, v->who);
}

int
proxy_verdict_get(
    struct rec *r, struct arena *a, struct proxy_verdict *ret, struct err *e)
{
	*ret = (struct proxy_verdict){ .ticket = rec_u64(r) };
	/* Only the one value says yes. */
	ret->allow = rec_u8(r) == 1;
	ret->remember = rec_u8(r) == 1;
	ret->who = rec_cstr(r, a);
	return rec_done(r, e);
}

void
proxy_event_put(struct buf *b, const struct proxy_event *ev)
{
	rec_put_u8(b, ev->allow);
	rec_put_cstr(b, ev->host);
	rec_put_u16(b, ev->port);
	rec_put_cstr(b, ev->address);
	rec_put_u8(b, (uint8_t)ev->protocol);
	rec_put_u64(b, ev->bytes_up);
	rec_put_u64(b, ev->bytes_down);
	rec_put_i64(b, ev->ms);
	rec_put_cstr(b, ev->method);
	rec_put_cstr(b, ev->by);
	rec_put_cstr(b, ev->reason);
	rec_put_u8(b, (uint8_t)ev->limit);
}

int
proxy_event_get(
    struct rec *r, struct arena *a, struct proxy_event *ret, struct err *e)
{
	*ret = (struct proxy_event){ .allow = rec_u8(r) == 1 };
	ret->host = rec_cstr(r, a);
	ret->port = rec_u16(r);
	ret->address = rec_cstr(r, a);
	ret->protocol = get_protocol(r);
	ret->bytes_up = rec_u64(r);
	ret->bytes_down = rec_u64(r);
	ret->ms = rec_i64(r);
	ret->method = rec_cstr(r, a);
	ret->by = rec_cstr(r, a);
	ret->reason = rec_cstr(r, a);
	ret->limit = (enum proxy_limit)rec_u8(r);
	if (ret->limit > PROXY_LIMIT_LAST)
		r->failed = 1;
	return rec_done(r, e);
}
