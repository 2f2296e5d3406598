/*
 * A decision of the daemon, read as if its sender wished to be misunderstood,
 * and the sentence that a model gets.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "hook_int.h"

#define RULING_ARENA_MAX ((size_t)4 << 20)
#define FACT_MAX 600 /* of a reason, in a message */

struct facts {
	const char *id, *sha256, *decision, *state, *by, *reason, *suggest;
	const char *rule;
};

static const char *
text_of(const struct json_doc *d, size_t object, const char *name)
{
	const size_t node = d->nodes[object].kind == DOC_OBJECT
	    ? doc_get(d, object, str_of(name))
	    : 0;

	return node != 0 && d->nodes[node].kind == DOC_STRING ? d->nodes[node].s
							      : NULL;
}

/* The rule that decided: the first one of the decision's own strictness. */
static const char *
rule_of(const struct json_doc *d, const char *decision)
{
	const size_t rules = doc_get(d, 0, STR("rules"));

	if (rules == 0 || d->nodes[rules].kind != DOC_ARRAY || decision == NULL)
		return NULL;
	for (size_t n = doc_first(d, rules); n < doc_end(d, rules);
	     n = doc_next(d, n)) {
		const char *own = text_of(d, n, "decision");

		if (own != NULL && strcmp(own, decision) == 0)
			return text_of(d, n, "id");
	}
	return NULL;
}

static bool
is(const char *s, const char *word)
{
	return s != NULL && strcmp(s, word) == 0;
}

static bool
is_action_id(const char *id)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz";
	const size_t len = id == NULL ? 0 : strlen(id);

	return len > 4 && len < ACTION_ID_MAX && strncmp(id, "act_", 4) == 0 &&
	    strspn(id + 4, letters) == len - 4;
}

/* ---- sentences ---------------------------------------------------------- */

static void
put_fact(struct buf *out, const char *text)
{
	text_escape(out, str_head(str_of(text), FACT_MAX));
}

static void
set_message(struct hook_ruling *r, const struct buf *text)
{
	const struct str whole =
	    str_head(buf_str(text), sizeof(r->message) - 1);

	(void)snprintf(r->message, sizeof(r->message), "%.*s", STR_ARG(whole));
}

/* The end of a sentence, where there is none. */
static void
put_stop(struct buf *out)
{
	if (out->len > 0 && strchr(".!?", out->s[out->len - 1]) == NULL)
		buf_putc(out, '.');
}

static void
put_why(struct buf *out, const struct facts *f)
{
	if (f->rule != NULL) {
		buf_puts(out, " (rule ");
		put_fact(out, f->rule);
		buf_putc(out, ')');
	}
	/* what is said of a timeout is that it was one */
	if (f->reason != NULL && !is(f->by, "timeout")) {
		buf_puts(out, ": ");
		put_fact(out, f->reason);
	}
	put_stop(out);
	if (f->suggest != NULL) {
		buf_puts(out, " Instead: ");
		put_fact(out, f->suggest);
		put_stop(out);
	}
}

static void
put_no(struct buf *out, const struct facts *f)
{
	buf_puts(out,
	    is(f->by, "timeout")     ? "assent: nobody answered in time"
		: is(f->by, "human") ? "assent: a person said no"
				     : "assent denied this");
	put_why(out, f);
	buf_puts(out,
	    " It was not run. Do not try it in other words; choose another "
	    "way or ask the user.");
}

/* No rule is named where somebody answered: none of those that allow did. */
static void
put_yes(struct buf *out, const struct facts *f)
{
	struct facts answered = *f;

	answered.rule = NULL;
	if (is(f->by, "human"))
		buf_puts(out, "assent: a person allowed this");
	else if (is(f->by, "grant"))
		buf_puts(out, "assent: an earlier approval allows this");
	else if (is(f->by, "reviewer"))
		buf_puts(out, "assent: the reviewer allowed this");
	else {
		buf_puts(out, "assent allowed this");
		answered.rule = f->rule;
	}
	put_why(out, &answered);
}

static void
write_message(struct hook_ruling *r, const struct facts *f)
{
	AUTO_BUF struct buf text = BUF_INIT(HOOK_OUTPUT_MAX);

	switch (r->verdict) {
	case HOOK_ALLOW:
		put_yes(&text, f);
		break;
	case HOOK_ASK:
		buf_puts(&text, "assent leaves this to a person");
		put_why(&text, f);
		(void)snprintf(r->asks, sizeof(r->asks), "%.*s",
		    STR_ARG(str_head(buf_str(&text), sizeof(r->asks) - 1)));
		buf_puts(&text,
		    " Nobody answered in time, so it was not run. Go on "
		    "without it, or ask the user to watch 'assent pending' "
		    "and try once more.");
		break;
	case HOOK_DENY:
		put_no(&text, f);
		break;
	}
	set_message(r, &text);
}

void
hook_ruling_failed(struct hook_ruling *ret, const char *why, const char *remedy)
{
	AUTO_BUF struct buf text = BUF_INIT(HOOK_OUTPUT_MAX);

	*ret = (struct hook_ruling){ .verdict = HOOK_DENY };
	buf_puts(&text, "assent did not decide, so this was not run: ");
	put_fact(&text, why);
	if (remedy != NULL) {
		buf_puts(&text, "; ");
		put_fact(&text, remedy);
	}
	set_message(ret, &text);
}

void
hook_ruling_problem(struct hook_ruling *ret, struct str problem)
{
	AUTO(arena_freep) struct arena *a = arena_new(RULING_ARENA_MAX);
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	const char *detail = NULL;

	if (a != NULL && json_doc_parse(&d, problem, a, NULL) == 0)
		detail = text_of(&d, 0, "detail");
	hook_ruling_failed(ret,
	    detail == NULL ? "the daemon refuses and gives no reason" : detail,
	    NULL);
}

/* ---- reading ------------------------------------------------------------ */

static int
check_facts(const struct facts *f, const struct hook_ruling *own, struct err *e)
{
	uint8_t digest[SHA256_LEN];

	if (!is_action_id(f->id) || f->sha256 == NULL ||
	    text_unhex(str_of(f->sha256), digest, sizeof(digest)) != 0)
		return err_set(e, ERR_INTERNAL,
		    "the daemon's answer names no action and its hash");
	if (own != NULL && own->id[0] != '\0' &&
	    (strcmp(own->id, f->id) != 0 ||
		strcmp(own->sha256, f->sha256) != 0))
		return err_set(e, ERR_INTERNAL,
		    "the daemon's answer is about another action");
	if (f->state == NULL || decision_of(str_of(f->decision)) == 0)
		return err_set(
		    e, ERR_INTERNAL, "the daemon's answer has no decision");
	return ERR_OK;
}

static void
take_verdict(struct hook_ruling *r, const struct facts *f)
{
	if (is(f->decision, "allow") &&
	    (is(f->state, "decided") || is(f->state, "running") ||
		is(f->state, "done")))
		r->verdict = HOOK_ALLOW;
	else if (is(f->state, "pending") &&
	    (is(f->decision, "ask") || is(f->decision, "review")))
		r->verdict = HOOK_ASK;
	r->pending = is(f->state, "pending");
}

int
hook_ruling_read(struct str json, const struct hook_ruling *own,
    struct hook_ruling *ret, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(RULING_ARENA_MAX);
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	struct hook_ruling ruling = { .verdict = HOOK_DENY };
	struct facts f;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = json_doc_parse(&d, json, a, e);
	if (r != 0)
		return err_wrap(e, ERR_INTERNAL, "the daemon's answer");
	f = (struct facts){
		.id = text_of(&d, 0, "id"),
		.sha256 = text_of(&d, 0, "action_sha256"),
		.decision = text_of(&d, 0, "decision"),
		.state = text_of(&d, 0, "state"),
		.by = text_of(&d, 0, "decided_by"),
		.reason = text_of(&d, 0, "reason"),
		.suggest = text_of(&d, 0, "suggest"),
	};
	r = check_facts(&f, own, e);
	if (r != 0)
		return r;
	f.rule = rule_of(&d, f.decision);
	(void)snprintf(ruling.id, sizeof(ruling.id), "%s", f.id);
	(void)snprintf(ruling.sha256, sizeof(ruling.sha256), "%s", f.sha256);
	take_verdict(&ruling, &f);
	write_message(&ruling, &f);
	*ret = ruling;
	return ERR_OK;
}
