/*
 * The facts that a row of the log holds beside its columns, as JSON.
 * Runs in: engine.  Trusts: nothing in text.  Owns: nothing.
 *
 * Text of others goes through engine_text.c: secrets are masked there.
 */
#include <string.h>

#include "engine_int.h"
#include "model/action_json.h"

#define ROW_INPUT_MAX ((size_t)1 << 20)
#define ROW_RULES_MAX 16
#define NS_PER_MS 1000000

/* The rules that make the decision what it is. */
static void
put_rules(struct jsonw *w, const struct classification *c)
{
	size_t n = 0;

	jsonw_key(w, "rules");
	jsonw_array(w);
	for (size_t i = 0; i < c->part_count; i++) {
		const struct part *p = &c->parts[i];

		for (size_t k = 0; k < p->rule_count; k++) {
			if (p->rules[k].decision != c->decision ||
			    n++ >= ROW_RULES_MAX)
				continue;
			jsonw_cstr(w, p->rules[k].id);
		}
	}
	jsonw_end(w);
}

static bool
is_zero(const uint8_t *digest)
{
	static const uint8_t zero[SHA256_LEN];

	return memcmp(digest, zero, SHA256_LEN) == 0;
}

/* The call itself: shown as classification shows it, or whole, or not. */
static void
put_call(struct engine *g, struct jsonw *w, const struct live *l)
{
	AUTO_BUF struct buf whole = BUF_INIT(ROW_INPUT_MAX);

	row_put_payload(g, w, "text", l->a->classification.display);
	if (g->o.set.payloads == PAYLOADS_OFF)
		return;
	if (l->input.len > 0) {
		jsonw_key(w, "input");
		jsonw_raw(w, l->input);
	}
	if (g->o.set.payloads != PAYLOADS_FULL)
		return;
	action_input_to_json(l->a, &whole);
	if (buf_done(&whole, NULL) != 0)
		return;
	jsonw_key(w, "proposal");
	jsonw_raw(w, buf_str(&whole));
}

static void
put_mode(struct jsonw *w, const struct action *a)
{
	if (a->mode != MODE_NONE)
		jsonw_kstr(w, "mode", run_mode_name(a->mode));
	if (a->mode_why != NULL)
		jsonw_kstr(w, "mode_reason", a->mode_why);
}

static void
put_proposal(struct engine *g, struct jsonw *w, const struct live *l)
{
	const struct action *a = l->a;

	put_call(g, w, l);
	if (a->proposal.agent_name != NULL)
		jsonw_kstr(w, "agent", a->proposal.agent_name);
	if (a->proposal.cwd != NULL)
		jsonw_kstr(w, "cwd", a->proposal.cwd);
	if (a->proposal.workspace != NULL)
		jsonw_kstr(w, "workspace", a->proposal.workspace);
	jsonw_kstr(w, "executor", executor_name(a->proposal.executor));
	/* What was called is before this, what was found out about it after:
	 * replay tells calls apart by it (rules/replay.c). */
	jsonw_kstr(w, "classified", decision_name(a->classification.decision));
	row_put_masked_of(g, w, &a->proposal);
	jsonw_kstr(w, "risk", risk_name(a->classification.risk));
	row_put_remark(g, w, "reason", a->classification.reason);
	if (a->classification.profile.name != NULL)
		jsonw_kstr(w, "profile", a->classification.profile.name);
	if (l->has_plan) {
		jsonw_key(w, "plan_sha256");
		jsonw_hex(w, l->plan.sha256, SHA256_LEN);
	}
	put_mode(w, a);
	put_rules(w, &a->classification);
	if (!is_zero(a->classification.project_sha256)) {
		jsonw_key(w, "project_sha256");
		jsonw_hex(w, a->classification.project_sha256, SHA256_LEN);
	}
}

void
row_body_proposed(struct engine *g, const struct live *l, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	put_proposal(g, &w, l);
	jsonw_end(&w);
}

void
row_body_decided(struct engine *g, const struct change *c, struct buf *out)
{
	const struct live *l = c->live;
	const struct ruling *r = &c->ruling;
	const struct inquiry *q = c->has_asking ? &c->asking : &l->a->asking;
	const int64_t wait_ns = r->decided_real_ns - l->a->proposed_real_ns;
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	put_proposal(g, &w, l);
	jsonw_kint(&w, "wait_ms", wait_ns > 0 ? wait_ns / NS_PER_MS : 0);
	if (r->approver != NULL)
		jsonw_kstr(&w, "approver", r->approver);
	if (c->proved)
		jsonw_kstr(&w, "proof", "passphrase");
	row_put_remark(g, &w, "message", r->message);
	if (r->by == BY_HUMAN && q->approver_count > 1)
		jsonw_kstrs(&w, "approvers", q->approvers, q->approver_count);
	if (r->by == BY_GRANT)
		jsonw_kstr(&w, "grant", r->grant);
	if (r->by == BY_REVIEWER) {
		row_put_remark(g, &w, "rationale", l->a->review.rationale);
		row_put_remark(g, &w, "model", l->a->review.model);
		row_put_remark(g, &w, "provider", l->a->review.provider);
		jsonw_kint(&w, "latency_ms", l->a->review.latency_ms);
		jsonw_kint(&w, "attempts", l->a->review.attempts);
		jsonw_kint(&w, "input_tokens", l->a->review.input_tokens);
		jsonw_kint(&w, "output_tokens", l->a->review.output_tokens);
		jsonw_kbool(&w, "cached", l->a->review.cached);
		jsonw_kstr(
		    &w, "risk_by_reviewer", risk_name(l->a->review.risk));
	}
	if (r->expires_real_ns != 0) {
		jsonw_key(&w, "expires_at");
		jsonw_time(&w, r->expires_real_ns);
	}
	jsonw_end(&w);
}

void
row_body_intent(const struct live *l, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_key(&w, "plan_sha256");
	jsonw_hex(&w, l->plan.sha256, SHA256_LEN);
	put_mode(&w, l->a);
	jsonw_end(&w);
}

void
row_body_outcome(struct engine *g, const struct live *l,
    const struct outcome *o, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	put_mode(&w, l->a);
	jsonw_kint(&w, "exit", o->exit);
	jsonw_kint(&w, "signal", o->signal);
	jsonw_kint(&w, "wall_ms", o->wall_ms);
	jsonw_kint(&w, "stdout_bytes", (int64_t)l->output.total[0]);
	jsonw_kint(&w, "stderr_bytes", (int64_t)l->output.total[1]);
	jsonw_kbool(&w, "truncated", o->truncated);
	jsonw_kbool(&w, "timed_out", o->timed_out);
	if (o->copy)
		jsonw_kbool(&w, "copy", true);
	row_put_remark(g, &w, "failure", o->failure);
	jsonw_kstrs(&w, "violations", o->violations, o->violation_count);
	jsonw_end(&w);
}

/* What a model wrote is kept; whoever shows it escapes it (I8). */
void
row_body_reviewed(
    struct engine *g, const struct review_answer *r, struct buf *out)
{
	static const char *const outcomes[] = {
		[REVIEW_INVALID] = "failed",
		[REVIEW_APPROVE] = "approve",
		[REVIEW_ESCALATE] = "escalate",
		[REVIEW_DENY] = "deny",
	};
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "outcome", outcomes[r->outcome]);
	jsonw_kbool(&w, "shadow", g->o.set.shadow);
	jsonw_kstr(&w, "risk_by_reviewer", risk_name(r->risk));
	row_put_remark(g, &w, "cause", r->cause);
	row_put_remark(g, &w, "rationale", r->rationale);
	row_put_remark(g, &w, "model", r->model);
	row_put_remark(g, &w, "provider", r->provider);
	jsonw_kint(&w, "latency_ms", r->latency_ms);
	jsonw_kint(&w, "attempts", r->attempts);
	jsonw_kint(&w, "input_tokens", r->input_tokens);
	jsonw_kint(&w, "output_tokens", r->output_tokens);
	jsonw_end(&w);
}

void
row_body_note(
    struct engine *g, const char *key, const char *text, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	row_put_remark(g, &w, key, text);
	jsonw_end(&w);
}
