/*
 * The records between engine and broker.
 * Runs in: engine, assent-broker.  Trusts: nothing in a record.  Owns: nothing.
 */
#include "broker_messages.h"

void
broker_run_put(struct buf *b, const struct broker_run *r)
{
	rec_put_u64(b, r->ticket);
	rec_put_cstr(b, r->action_id);
	rec_put_u32(b, r->scope.uid);
	rec_put_cstr(b, r->scope.session);
	rec_put_cstr(b, r->scope.agent);
	rec_put_cstr(b, r->scope.profile);
	rec_put_u8(b, r->values);
}

int
broker_run_get(
    struct str record, struct arena *a, struct broker_run *ret, struct err *e)
{
	struct rec in = rec_of(record);
	struct broker_run r = { .ticket = rec_u64(&in) };
	int code;

	r.action_id = rec_cstr(&in, a);
	r.scope.uid = rec_u32(&in);
	r.scope.session = rec_cstr(&in, a);
	r.scope.agent = rec_cstr(&in, a);
	r.scope.profile = rec_cstr(&in, a);
	r.values = rec_u8(&in) != 0;
	code = rec_done(&in, e);
	if (code == 0 && (r.action_id == NULL || r.scope.profile == NULL))
		code = err_set(e, ERR_INVALID, "a run without a name");
	if (code == 0)
		*ret = r;
	return code;
}

void
broker_use_put(struct buf *b, const struct broker_use *u)
{
	rec_put_u64(b, u->number);
	rec_put_cstr(b, u->action_id);
	rec_put_cstr(b, u->credential);
	rec_put_cstr(b, u->host);
	rec_put_u16(b, u->port);
	rec_put_cstr(b, u->what);
	rec_put_u8(b, u->ask);
}

int
broker_use_get(
    struct str record, struct arena *a, struct broker_use *ret, struct err *e)
{
	struct rec in = rec_of(record);
	struct broker_use u = { .number = rec_u64(&in) };
	int r;

	u.action_id = rec_cstr(&in, a);
	u.credential = rec_cstr(&in, a);
	u.host = rec_cstr(&in, a);
	u.port = rec_u16(&in);
	u.what = rec_cstr(&in, a);
	u.ask = rec_u8(&in) != 0;
	r = rec_done(&in, e);
	if (r == 0 &&
	    (u.action_id == NULL || u.credential == NULL || u.what == NULL))
		r = err_set(e, ERR_INVALID, "a use of nothing");
	if (r == 0)
		*ret = u;
	return r;
}
