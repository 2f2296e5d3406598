/*
 * Records of a question to the reviewer and of its answer.
 * Runs in: engine, reviewer.  Trusts: nothing read.  Owns: nothing.
 */
#include <string.h>

#include "core/messages.h"

static void
put_sha256(struct buf *out, const uint8_t sha256[static SHA256_LEN])
{
	buf_put(out, sha256, SHA256_LEN);
}

static void
get_sha256(struct rec *in, uint8_t ret[static SHA256_LEN])
{
	const struct str bytes = rec_bytes(in, SHA256_LEN);

	if (bytes.len == SHA256_LEN)
		memcpy(ret, bytes.s, SHA256_LEN);
}

void
review_question_encode(const struct review_question *q, struct buf *out)
{
	rec_put_cstr(out, q->action_id);
	put_sha256(out, q->sha256);
	rec_put_u8(out, (uint8_t)q->least_risk);
	rec_put_cstr(out, q->session);
	rec_put_u8(out, q->again);
	rec_put_str(out, q->evidence);
}

int
review_question_decode(struct str record, struct arena *a,
    struct review_question *ret, struct err *e)
{
	struct rec in = rec_of(record);

	*ret = (struct review_question){ .action_id = rec_cstr(&in, a) };
	get_sha256(&in, ret->sha256);
	ret->least_risk = (enum risk)rec_u8(&in);
	ret->session = rec_cstr(&in, a);
	ret->again = rec_u8(&in) != 0;
	ret->evidence = rec_str(&in);
	if (ret->action_id == NULL || ret->least_risk > RISK_CRITICAL)
		in.failed = 1;
	return rec_done(&in, e);
}

void
review_answer_encode(const struct review_answer *r, struct buf *out)
{
	rec_put_cstr(out, r->action_id);
	put_sha256(out, r->sha256);
	rec_put_u8(out, (uint8_t)r->outcome);
	rec_put_u8(out, (uint8_t)r->risk);
	rec_put_cstr(out, r->rationale);
	rec_put_cstr(out, r->model);
	rec_put_cstr(out, r->provider);
	rec_put_cstr(out, r->cause);
	rec_put_i64(out, r->latency_ms);
	rec_put_i64(out, r->input_tokens);
	rec_put_i64(out, r->cached_tokens);
	rec_put_i64(out, r->output_tokens);
	rec_put_u32(out, r->attempts);
	rec_put_u8(out, r->cached);
}

int
review_answer_decode(struct str record, struct arena *a,
    struct review_answer *ret, struct err *e)
{
	struct rec in = rec_of(record);

	*ret = (struct review_answer){ .action_id = rec_cstr(&in, a) };
	get_sha256(&in, ret->sha256);
	ret->outcome = (enum review_outcome)rec_u8(&in);
	ret->risk = (enum risk)rec_u8(&in);
	ret->rationale = rec_cstr(&in, a);
	ret->model = rec_cstr(&in, a);
	ret->provider = rec_cstr(&in, a);
	ret->cause = rec_cstr(&in, a);
	ret->latency_ms = rec_i64(&in);
	ret->input_tokens = rec_i64(&in);
	ret->cached_tokens = rec_i64(&in);
	ret->output_tokens = rec_i64(&in);
	ret->attempts = rec_u32(&in);
	ret->cached = rec_u8(&in) != 0;
	if (ret->action_id == NULL || ret->outcome > REVIEW_DENY ||
	    ret->risk > RISK_CRITICAL)
		in.failed = 1;
	return rec_done(&in, e);
}
