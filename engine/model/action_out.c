/*
 * A case file as JSON: the proposal as it would be sent, the decision as the
 * contract says.
 * Runs in: engine, assent.  Trusts: the case file.  Owns: nothing.
 */
#include "model/action_json.h"

#include <string.h>

#include <stdio.h>

#include "base/jsonw.h"

#define RULES_SHOWN_MAX 100

/* Only what is there: a field that was not sent is not made up. */
static void
opt(struct jsonw *w, const char *key, const char *value)
{
	if (value != NULL)
		jsonw_kstr(w, key, value);
}

static void
texts(struct jsonw *w, const char *key, char *const *list, size_t count)
{
	if (count == 0)
		return;
	jsonw_kstrs(w, key, (const char *const *)list, count);
}

static void
pairs(
    struct jsonw *w, const char *key, const struct env_var *list, size_t count)
{
	if (count == 0)
		return;
	jsonw_key(w, key);
	jsonw_object(w);
	for (size_t i = 0; i < count; i++)
		jsonw_kstr(w, list[i].name, list[i].value);
	jsonw_end(w);
}

static void
edits(struct jsonw *w, const struct tool_input *in)
{
	if (in->edit_count == 0)
		return;
	jsonw_key(w, "edits");
	jsonw_array(w);
	for (size_t i = 0; i < in->edit_count; i++) {
		const struct edit *edit = &in->edits[i];

		jsonw_object(w);
		jsonw_kstr(w, "path", edit->path);
		jsonw_kstr(w, "op", edit_op_name(edit->op));
		opt(w, "content", edit->content);
		opt(w, "patch", edit->patch);
		opt(w, "to", edit->to);
		opt(w, "sha256", edit->sha256);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
raw(struct jsonw *w, const char *key, const char *json)
{
	if (json == NULL)
		return;
	jsonw_key(w, key);
	jsonw_raw(w, str_of(json));
}

static void
input(struct jsonw *w, const struct proposal *p)
{
	const struct tool_input *in = &p->input;

	jsonw_object(w);
	opt(w, "script", in->script);
	opt(w, "shell", in->shell);
	texts(w, "argv", in->argv, in->argc);
	opt(w, "action", in->target_action);
	opt(w, p->tool == TOOL_STDIN ? "text" : "stdin", in->stdin_text);
	if (in->timeout_ms != 0)
		jsonw_kint(w, "timeout_ms", in->timeout_ms);
	pairs(w, "env", in->env, in->env_count);
	edits(w, in);
	opt(w, "method", in->method);
	opt(w, "url", in->url);
	pairs(w, "headers", in->headers, in->header_count);
	opt(w, "body", in->body);
	opt(w, "server", in->server);
	opt(w, "tool", in->mcp_tool);
	raw(w, "args", in->mcp_args);
	raw(w, "annotations", in->annotations);
	texts(w, "write", in->write, in->write_count);
	texts(w, "read", in->read, in->read_count);
	texts(w, "hosts", in->hosts, in->host_count);
	opt(w, "scope", in->scope);
	jsonw_end(w);
}

static void
transcript(struct jsonw *w, const struct proposal *p)
{
	if (p->transcript_count == 0)
		return;
	jsonw_key(w, "transcript");
	jsonw_array(w);
	for (size_t i = 0; i < p->transcript_count; i++) {
		jsonw_object(w);
		jsonw_kstr(w, "role", p->transcript[i].role);
		jsonw_kstr(w, "text", p->transcript[i].text);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
put_action(const struct action *a, bool with_transcript, struct buf *out)
{
	const struct proposal *p = &a->proposal;
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "tool", tool_name(p->tool));
	jsonw_key(&w, "input");
	input(&w, p);
	opt(&w, "cwd", p->cwd);
	opt(&w, "workspace", p->workspace);
	opt(&w, "home", a->proposer.home);
	opt(&w, "session", p->session);
	if (p->agent_name != NULL) {
		jsonw_key(&w, "agent");
		jsonw_object(&w);
		jsonw_kstr(&w, "name", p->agent_name);
		opt(&w, "version", p->agent_version);
		jsonw_end(&w);
	}
	opt(&w, "justification", p->justification);
	if (with_transcript)
		transcript(&w, p);
	opt(&w, "profile", p->profile);
	jsonw_kstr(&w, "executor", executor_name(p->executor));
	jsonw_kbool(&w, "execute", p->execute);
	if (p->overlay)
		jsonw_kbool(&w, "overlay", true);
	if (p->tty)
		jsonw_kbool(&w, "tty", true);
	jsonw_end(&w);
}

void
action_to_json(const struct action *a, struct buf *out)
{
	put_action(a, true, out);
}

void
action_input_to_json(const struct action *a, struct buf *out)
{
	put_action(a, false, out);
}

/* ---- the decision ------------------------------------------------------ */

static void
one_rule(struct jsonw *w, const struct part *part, const struct rule_ref *rule)
{
	jsonw_object(w);
	jsonw_kstr(w, "id", rule->id);
	jsonw_kstr(w, "decision", decision_name(rule->decision));
	jsonw_kstr(w, "file", rule->file);
	jsonw_kint(w, "line", rule->line);
	jsonw_kstr(w, "part", part->text);
	jsonw_end(w);
}

static void
rules(struct jsonw *w, const struct classification *c)
{
	size_t shown = 0;

	jsonw_key(w, "rules");
	jsonw_array(w);
	for (size_t i = 0; i < c->part_count; i++) {
		const struct part *part = &c->parts[i];

		for (size_t k = 0; k < part->rule_count; k++) {
			if (shown++ < RULES_SHOWN_MAX)
				one_rule(w, part, &part->rules[k]);
		}
	}
	jsonw_end(w);
}

static void
number_or_null(struct jsonw *w, const char *key, int v, bool there)
{
	jsonw_key(w, key);
	if (there)
		jsonw_int(w, v);
	else
		jsonw_null(w);
}

/* As whom it runs, and why not as an account of its own. */
static void
mode(struct jsonw *w, const struct action *a)
{
	if (a->mode != MODE_NONE)
		jsonw_kstr(w, "mode", run_mode_name(a->mode));
	opt(w, "mode_reason", a->mode_why);
}

static void
outcome(struct jsonw *w, const struct action *a)
{
	const struct outcome *o = &a->outcome;

	jsonw_key(w, "outcome");
	if (a->stage != STAGE_DONE) {
		jsonw_null(w);
		return;
	}
	jsonw_object(w);
	number_or_null(w, "exit", o->exit, o->exit >= 0);
	number_or_null(w, "signal", o->signal, o->signal > 0);
	jsonw_key(w, "stdout");
	jsonw_str(w, str_head(o->out, OUTCOME_OUTPUT_BYTES_MAX));
	jsonw_key(w, "stderr");
	jsonw_str(w, str_head(o->err_out, OUTCOME_OUTPUT_BYTES_MAX));
	jsonw_kbool(w, "truncated",
	    o->truncated || o->shortened ||
		o->out.len > OUTCOME_OUTPUT_BYTES_MAX ||
		o->err_out.len > OUTCOME_OUTPUT_BYTES_MAX);
	jsonw_kbool(w, "timed_out", o->timed_out);
	if (o->copy)
		jsonw_kbool(w, "copy", true);
	jsonw_kstrs(w, "violations", o->violations, o->violation_count);
	jsonw_kint(w, "wall_ms", o->wall_ms);
	mode(w, a);
	opt(w, "failure", o->failure);
	jsonw_end(w);
}

static void
hash_or_null(struct jsonw *w, const char *key, const uint8_t *hash, bool there)
{
	jsonw_key(w, key);
	if (there)
		jsonw_hex(w, hash, SHA256_LEN);
	else
		jsonw_null(w);
}

/* What stands now: the ruling once there is one, till then the rules' word. */
static enum decision
decision_now(const struct action *a)
{
	return a->ruling.decision != DECISION_INVALID
	    ? a->ruling.decision
	    : a->classification.decision;
}

static const char *
reason_now(const struct action *a)
{
	if (a->ruling.message != NULL)
		return a->ruling.message;
	if (a->ruling.by == BY_REVIEWER && a->review.rationale != NULL)
		return a->review.rationale;
	return a->classification.reason;
}

/* How the review came out, as far as it is the agent's business. */
static void
review_now(struct jsonw *w, const struct action *a)
{
	const struct review *r = &a->review;
	const char *message = review_message(r);

	if (message == NULL)
		return;
	jsonw_key(w, "review");
	jsonw_object(w);
	jsonw_kstr(w, "outcome",
	    r->outcome == REVIEW_DENY ? "denied"
		: r->cause == NULL || strcmp(r->cause, "model_escalated") == 0
		? "escalated"
		: strcmp(r->cause, "timeout") == 0 ? "timed_out"
						   : "not_reviewed");
	jsonw_kstr(w, "cause", r->cause);
	jsonw_kstr(w, "message", message);
	jsonw_end(w);
}

static enum risk
risk_now(const struct action *a)
{
	return a->review.risk > a->classification.risk ? a->review.risk
						       : a->classification.risk;
}

/* What a person is asked about: only while the question stands. */
static void
question(struct jsonw *w, const struct action *a)
{
	const struct proposal *p = &a->proposal;

	if (a->stage != STAGE_PENDING)
		return;
	jsonw_key(w, "proposal");
	jsonw_object(w);
	jsonw_kstr(w, "tool", tool_name(p->tool));
	jsonw_kstr(w, "display", a->classification.display);
	opt(w, "cwd", p->cwd);
	opt(w, "workspace", p->workspace);
	opt(w, "session", p->session);
	opt(w, "agent", p->agent_name);
	opt(w, "justification", p->justification);
	jsonw_kint(w, "uid", a->proposer.uid);
	jsonw_key(w, "proposed_at");
	jsonw_time(w, a->proposed_real_ns);
	jsonw_key(w, "answer_by");
	jsonw_time(w, a->answer_by_real_ns);
	jsonw_end(w);
}

/* "1/2": of how many people it has the yes. */
static void
approvals(struct jsonw *w, const struct action *a)
{
	char text[40];
	const struct inquiry *q = &a->asking;
	const bool human =
	    a->ruling.by == BY_HUMAN && a->ruling.decision == DECISION_ALLOW;
	size_t have = q->approver_count;

	if (human && have == 0)
		have = 1;
	(void)snprintf(
	    text, sizeof(text), "%zu/%u", have, q->need == 0 ? 1 : q->need);
	jsonw_kstr(w, "approvals", text);
}

/* Who has a hand in it, besides the one who decides. */
static void
people(struct jsonw *w, const struct action *a)
{
	const struct inquiry *q = &a->asking;
	const char *looking[LOOKERS_MAX];
	size_t count = 0;

	opt(w, "approver_group", q->group);
	if (q->approver_count > 0)
		jsonw_kstrs(w, "approvers", q->approvers, q->approver_count);
	for (size_t i = 0; i < LOOKERS_MAX; i++) {
		if (a->lookers[i].name[0] != '\0')
			looking[count++] = a->lookers[i].name;
	}
	if (a->stage == STAGE_PENDING && count > 0)
		jsonw_kstrs(w, "looking", looking, count);
	if (q->raised_to != NULL) {
		jsonw_key(w, "raised");
		jsonw_object(w);
		jsonw_kstr(w, "to", q->raised_to);
		jsonw_kstr(w, "reason", q->raised_why);
		jsonw_kstrs(w, "by", q->raisers, q->raiser_count);
		jsonw_end(w);
	}
	opt(w, "revises", q->revises);
	opt(w, "revised_to", q->revised_to);
}

void
decision_to_json(const struct action *a, struct buf *out)
{
	static const uint8_t zero[SHA256_LEN];
	const struct classification *c = &a->classification;
	const bool ruled = a->ruling.decision != DECISION_INVALID;
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "id", a->id[0] == '\0' ? NULL : a->id);
	jsonw_kstr(&w, "state", stage_name(a->stage));
	approvals(&w, a);
	jsonw_kstr(&w, "decision", decision_name(decision_now(a)));
	jsonw_kstr(
	    &w, "decided_by", decided_by_name(ruled ? a->ruling.by : c->by));
	jsonw_kstr(&w, "risk", risk_name(risk_now(a)));
	jsonw_kstr(&w, "reason", reason_now(a));
	opt(&w, "suggest", c->suggest);
	review_now(&w, a);
	jsonw_kstr(&w, "profile", c->profile.name);
	mode(&w, a);
	opt(&w, "approver", a->ruling.approver);
	opt(&w, "grant", a->ruling.grant);
	people(&w, a);
	question(&w, a);
	rules(&w, c);
	hash_or_null(&w, "action_sha256", a->sha256,
	    !mem_equal_secret(a->sha256, zero, SHA256_LEN));
	jsonw_key(&w, "policy_sha256");
	jsonw_hex(&w, c->policy_sha256, SHA256_LEN);
	jsonw_key(&w, "expires_at");
	jsonw_time(&w, a->ruling.expires_real_ns);
	if (a->ruling.decided_real_ns != 0) {
		jsonw_key(&w, "decided_at");
		jsonw_time(&w, a->ruling.decided_real_ns);
	}
	jsonw_key(&w, "seq");
	if (a->seq != 0)
		jsonw_uint(&w, a->seq);
	else
		jsonw_null(&w);
	hash_or_null(&w, "log_hash", a->log_hash, a->seq != 0);
	outcome(&w, a);
	jsonw_end(&w);
}
