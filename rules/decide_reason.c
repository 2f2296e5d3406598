/*
 * Why, in one sentence: for the agent, which can act on it, and for the person
 * who may have to answer.
 * Runs in: engine, assent.  Trusts: nothing in the action.  Owns: nothing.
 */
#include <string.h>

#include "base/text.h"
#include "decide_int.h"

#define SHOWN_TEXT 160

/* "writes /etc/hosts", as far as it is known. */
static void
put_effect(struct buf *out, const struct effect *ef)
{
	static const char *const verbs[] = {
		[EFFECT_INVALID] = "does something",
		[EFFECT_READ] = "reads",
		[EFFECT_WRITE] = "writes",
		[EFFECT_DELETE] = "deletes",
		[EFFECT_CONNECT] = "connects to",
		[EFFECT_RUN_CODE] = "runs code from",
		[EFFECT_SIGNAL] = "signals",
		[EFFECT_PRIVILEGE] = "asks for privilege by",
		[EFFECT_REMOTE_STATE] = "changes what others see at",
		[EFFECT_WIDEN] = "asks for more access to",
		[EFFECT_UNKNOWN] = "has effects that are not known",
	};

	buf_puts(out, verbs[ef->kind]);
	if (ef->kind == EFFECT_UNKNOWN) {
		if (ef->why != NULL)
			buf_printf(out, ": %s", ef->why);
		return;
	}
	if (ef->target != NULL)
		buf_printf(out, " %s", ef->target);
	else if (ef->kind == EFFECT_RUN_CODE)
		buf_printf(
		    out, " outside (%s)", code_class_name(ef->code_class));
	else
		buf_puts(out, " something that is not known");
}

/* No rule decided: say which effect nothing permits. */
static void
put_default(struct buf *out, const struct action_judge *aj)
{
	const struct part *p = aj->worst_part;
	const struct str text = str_of(p->text);

	if (p->not_understood != NULL) {
		buf_printf(out, "This could not be understood: %s.",
		    p->not_understood);
		return;
	}
	buf_puts(out, "No rule permits what '");
	buf_put_str(out, str_head(text, SHOWN_TEXT));
	buf_puts(out, text.len > SHOWN_TEXT ? "...' does" : "' does");
	if (aj->worst_slot < p->effect_count) {
		buf_puts(out, ": it ");
		put_effect(out, &p->effects[aj->worst_slot]);
	}
	buf_puts(out, ".");
}

static void
put_rule(struct buf *out, const struct judged *g)
{
	const struct rule *r = g->rule;
	const char *text = r->reason != NULL ? r->reason : r->title;

	if (g->unsure)
		buf_printf(
		    out, "It cannot be told whether rule %s applies. ", r->id);
	if (text != NULL)
		buf_puts(out, text);
	else
		buf_printf(
		    out, "Rule %s says %s.", r->id, decision_name(r->decision));
}

const char *
reason_of(const struct action_judge *aj, const struct classification *c,
    struct arena *arena)
{
	AUTO_BUF struct buf b = BUF_INIT(REASON_BYTES_MAX * 4);

	if (c->by == BY_POLICY)
		buf_printf(&b, "Nobody can be asked under policy 'never'. ");
	if (aj->worst.rule != NULL)
		put_rule(&b, &aj->worst);
	else
		put_default(&b, aj);
	if (buf_done(&b, NULL) == ERR_NOMEM)
		return NULL;
	if (b.failed != 0)
		return arena_strdup(arena, "See the parts of this call.");
	return arena_strdup(arena, buf_cstr(&b));
}
