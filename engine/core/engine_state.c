/*
 * What a restart must know of an action that is pending or decided.
 * Runs in: engine.  Trusts: its store only as far as the form goes.
 * Owns: nothing.
 */
#include <string.h>

#include "engine_int.h"

#define HAD_OUTPUT 1
#define TIMED_OUT 2

static void
put_asking(const struct inquiry *q, struct buf *out)
{
	rec_put_cstrs(out, q->approvers, q->approver_count);
	rec_put_cstrs(out, q->raisers, q->raiser_count);
	rec_put_cstr(out, q->raised_to);
	rec_put_cstr(out, q->raised_why);
	rec_put_cstr(out, q->revises);
	rec_put_cstr(out, q->revised_to);
}

void
engine_state_put(const struct change *c, const char *boot_id, struct buf *out)
{
	const struct action *a = c->live->a;
	const struct ruling *r = c->has_ruling ? &c->ruling : &a->ruling;

	rec_put_u8(out, (uint8_t)r->decision);
	rec_put_u8(out, (uint8_t)r->by);
	rec_put_cstr(out, r->approver);
	rec_put_cstr(out, r->message);
	rec_put_i64(out, r->expires_real_ns);
	rec_put_i64(out, a->proposed_real_ns);
	rec_put_i64(out, a->outcome.exit);
	rec_put_i64(out, a->outcome.signal);
	rec_put_u64(out, c->seq);
	buf_put(out, c->log_hash, SHA256_LEN);
	buf_put(out, a->sha256, SHA256_LEN);
	operands_encode(a->operands, a->operand_count, out);
	rec_put_cstr(out, r->grant);
	rec_put_i64(out, r->decided_real_ns);
	put_asking(c->has_asking ? &c->asking : &a->asking, out);
	rec_put_i64(out, a->proposer.pid);
	rec_put_u64(out, a->proposer.started);
	rec_put_cstr(out, a->during);
	rec_put_i64(
	    out, c->has_deadline ? c->deadline_ns : c->live->deadline_ns);
	rec_put_cstr(out, boot_id);
	/* What it wrote is not stored: that there was some is. */
	rec_put_u8(out,
	    (uint8_t)((a->outcome.out.len > 0 || a->outcome.err_out.len > 0
			      ? HAD_OUTPUT
			      : 0) |
		(a->outcome.timed_out ? TIMED_OUT : 0)));
	rec_put_cstr(out, a->outcome.failure);
}

/* ---- back ------------------------------------------------------------------ */

static void
get_texts(struct rec *in, struct arena *a, const char **v, size_t *ret_count)
{
	const uint32_t count = rec_count(in, APPROVERS_MAX);

	*ret_count = 0;
	for (uint32_t i = 0; i < count && in->failed == 0; i++)
		v[(*ret_count)++] = rec_cstr(in, a);
}

static void
get_asking(struct rec *in, struct arena *a, struct inquiry *q)
{
	get_texts(in, a, q->approvers, &q->approver_count);
	get_texts(in, a, q->raisers, &q->raiser_count);
	q->raised_to = rec_cstr(in, a);
	q->raised_why = rec_cstr(in, a);
	q->revises = rec_cstr(in, a);
	q->revised_to = rec_cstr(in, a);
}

int
engine_state_get(
    struct str state, struct arena *a, struct stored_state *ret, struct err *e)
{
	struct rec in = rec_of(state);
	struct str hash, sha256;

	*ret = (struct stored_state){ .seq = 0 };
	ret->ruling.decision = (enum decision)rec_u8(&in);
	ret->ruling.by = (enum decided_by)rec_u8(&in);
	ret->ruling.approver = rec_cstr(&in, a);
	ret->ruling.message = rec_cstr(&in, a);
	ret->ruling.expires_real_ns = rec_i64(&in);
	ret->proposed_real_ns = rec_i64(&in);
	ret->exit = (int)rec_i64(&in);
	ret->signal = (int)rec_i64(&in);
	ret->seq = rec_u64(&in);
	hash = rec_bytes(&in, SHA256_LEN);
	sha256 = rec_bytes(&in, SHA256_LEN);
	/* What older releases did not keep. */
	if (in.rest.len > 0)
		operands_decode(&in, a, &ret->operands, &ret->operand_count);
	if (in.rest.len > 0) {
		ret->ruling.grant = rec_cstr(&in, a);
		ret->ruling.decided_real_ns = rec_i64(&in);
		get_asking(&in, a, &ret->asking);
		ret->pid = (pid_t)rec_i64(&in);
		ret->started = rec_u64(&in);
	}
	if (in.rest.len > 0) {
		ret->during = rec_cstr(&in, a);
		ret->deadline_boot_ns = rec_i64(&in);
		ret->boot_id = rec_cstr(&in, a);
	}
	if (in.rest.len > 0) {
		const uint8_t flags = rec_u8(&in);

		ret->had_output = (flags & HAD_OUTPUT) != 0;
		ret->timed_out = (flags & TIMED_OUT) != 0;
		ret->failure = rec_cstr(&in, a);
	}
	if (rec_done(&in, e) != 0 || ret->ruling.decision > DECISION_DENY ||
	    ret->ruling.by > BY_CEILING)
		return err_set(e, ERR_INTERNAL,
		    "the stored state of an action is ill-formed");
	memcpy(ret->log_hash, hash.s, SHA256_LEN);
	memcpy(ret->sha256, sha256.s, SHA256_LEN);
	return ERR_OK;
}
