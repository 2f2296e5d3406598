/*
 * The end of a run as a record.
 * Runs in: engine, assent-exec.  Trusts: nothing that it reads.  Owns: nothing.
 */
#include "proto.h"

void
proto_outcome_put(struct buf *b, const struct outcome *o)
{
	const size_t count = o->violation_count < PROTO_VIOLATIONS_MAX
	    ? o->violation_count
	    : PROTO_VIOLATIONS_MAX;

	rec_put_u32(b, (uint32_t)o->exit);
	rec_put_u32(b, (uint32_t)o->signal);
	rec_put_u8(b, o->truncated);
	rec_put_u8(b, o->timed_out);
	rec_put_i64(b, o->wall_ms);
	rec_put_cstr(b, o->failure);
	rec_put_u32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		rec_put_cstr(b, o->violations[i]);
}

int
proto_outcome_get(
    struct rec *r, struct arena *a, struct outcome *ret, struct err *e)
{
	size_t count;

	*ret = (struct outcome){ .exit = (int)rec_u32(r) };
	ret->signal = (int)rec_u32(r);
	ret->truncated = rec_u8(r) != 0;
	ret->timed_out = rec_u8(r) != 0;
	ret->wall_ms = rec_i64(r);
	ret->failure = rec_cstr(r, a);
	count = rec_count(r, PROTO_VIOLATIONS_MAX);
	ret->violations = arena_array(a, count + 1, sizeof(*ret->violations));
	if (ret->violations == NULL)
		return err_nomem(e);
	for (size_t i = 0; !r->failed && i < count; i++) {
		ret->violations[i] = rec_cstr(r, a);
		ret->violation_count = i + 1;
		r->failed |= ret->violations[i] == NULL;
	}
	return rec_done(r, e);
}
