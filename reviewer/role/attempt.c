/*
 * Ask one provider once: new nonces, the request, the call, the judgement.
 * Runs in: reviewer.  Trusts: nothing in an answer.  Owns: the call.
 */
#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "reviewer/evidence.h"
#include "reviewing_int.h"

#define REQUEST_BYTES_MAX ((size_t)8 << 20)
#define JUDGE_ARENA_MAX ((size_t)2 << 20)
#define NONCE_BYTES (NONCE_HEX_LEN / 2)

static int
random_hex(size_t bytes, char *ret, struct err *e)
{
	AUTO_BUF struct buf hex = BUF_INIT(128);
	uint8_t raw[32];

	if (bytes > sizeof(raw) || getrandom(raw, bytes, 0) != (ssize_t)bytes)
		return err_sys(e, "no random bytes");
	text_hex(&hex, raw, bytes);
	memcpy(ret, buf_cstr(&hex), 2 * bytes + 1);
	return buf_done(&hex, e);
}

/* New for each attempt: what one answer knows is of no use to another. */
static int
mark(struct asked *v, struct err *e)
{
	int r = random_hex(NONCE_BYTES, v->nonce_first, e);

	if (r == 0)
		r = random_hex(NONCE_BYTES, v->nonce_last, e);
	if (r == 0)
		r = random_hex(CANARY_BYTES, v->canary, e);
	return r;
}

static int
put_request(struct asked *v, struct buf *out, struct err *e)
{
	AUTO_BUF struct buf evidence = BUF_INIT(EVIDENCE_LINE_MAX + 4096);
	const struct provider *p = &v->s->providers[v->provider];
	const struct evidence_marks marks = {
		.nonce_first = v->nonce_first,
		.nonce_last = v->nonce_last,
		.canary = v->canary,
		.action_sha256 = v->sha256_hex,
		.again = v->q.again,
	};
	int r;

	evidence_frame(v->q.evidence, &marks, &evidence);
	r = buf_done(&evidence, e);
	if (r != 0)
		return r;
	p->format->put(
	    &(struct wire_request){
		.model = p->c->model,
		.policy = v->s->o.policy.s,
		.evidence = buf_cstr(&evidence),
		.cache_key = v->s->policy_key,
		.schema = !p->c->no_schema,
		.token_field = p->c->token_field,
	    },
	    out);
	v->request_bytes = v->s->o.policy.len + evidence.len;
	return buf_done(out, e);
}

static void
judge_body(struct asked *v, struct str body)
{
	AUTO(arena_freep) struct arena *a = arena_new(JUDGE_ARENA_MAX);
	const struct judge_asked asked = {
		.provider = &v->s->providers[v->provider],
		.request_bytes = v->request_bytes,
		.expect = {
			.action_sha256 = v->sha256_hex,
			.nonce_first = v->nonce_first,
			.nonce_last = v->nonce_last,
			.canary = v->canary,
			.least_risk = v->q.least_risk,
		},
	};
	struct judge_said said = { .verdict = { 0 } };
	const char *cause = "memory";

	int r = ERR_NOMEM;

	if (a != NULL) {
		r = judge(&asked, body, a, &said, &cause);
		review_count(v, &said.answer);
	}
	if (r == 0)
		review_said(v, &said);
	else
		review_no_verdict(v, cause);
}

static void
on_done(void *ctx, const struct call_result *r)
{
	struct asked *v = ctx;
	struct reviewing *s = v->s;

	v->http = NULL;
	v->program = NULL;
	provider_saw(&s->providers[v->provider], r, loop_now_ns());
	if (r->cause == NULL)
		judge_body(v, r->body);
	else
		review_not_reached(v, r);
	reviewing_tell(s);
}

static bool
may_go_elsewhere(const struct asked *v)
{
	for (size_t i = 0; i < v->s->provider_count; i++) {
		if (i != v->provider && i != v->first_provider &&
		    (v->given_up & 1u << i) == 0)
			return true;
	}
	return false;
}

/* With somebody else to ask, one that is silent gets half of what is left. */
static int64_t
patience_ms(const struct asked *v)
{
	const int64_t left = (v->deadline_ns - loop_now_ns()) / 1000000;
	const int64_t mine = may_go_elsewhere(v) ? left / 2 : left;

	return mine < 1 ? 1 : mine;
}

int
attempt_start(struct asked *v, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(REQUEST_BYTES_MAX);
	struct provider *p = &v->s->providers[v->provider];
	struct call_order order;
	int r = mark(v, e);

	if (r == 0)
		r = put_request(v, &body, e);
	if (r != 0)
		return r;
	v->attempts++;
	v->attempts_here++;
	order = (struct call_order){
		.provider = p,
		.number = (uint32_t)v->provider,
		.body = &body,
		.timeout_ms = patience_ms(v),
		.done = on_done,
		.ctx = v,
	};
	if (p->format->get == NULL)
		return program_start(v->s->o.programs, &order, &v->program, e);
	return http_start(v->s->http, &order, &v->http, e);
}

void
attempt_stop(struct asked *v)
{
	if (v->http != NULL || v->program != NULL)
		breaker_dropped(&v->s->providers[v->provider].breaker);
	http_cancel(v->http);
	v->http = NULL;
	program_cancel(v->program);
	v->program = NULL;
}
