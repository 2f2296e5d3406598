/*
 * A rule file from one action: what rules suggest would write of it alone.
 * Runs in: engine.  Trusts: nothing in the action.  Owns: nothing.
 *
 * It allows, so it lifts no deny and no floor: the strictest rule wins
 * whatever it says.
 */
#include "suggest_one.h"

#include "suggest.h"

static void
suggest_freep(struct suggest **s)
{
	if (*s != NULL)
		suggest_done(*s);
	mem_freep(s);
}

static bool
is_some(const struct suggest *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (suggest_is_kept(s, &s->v[i]))
			return true;
	}
	return false;
}

static int
check(struct str text, struct err *e)
{
	AUTO(ruleset_freep) struct ruleset *set = NULL;
	AUTO(diags_freep) struct diags *d = diags_new();
	const struct rule_text file = {
		.name = "suggested.yaml",
		.layer = LAYER_USER,
		.text = text,
	};

	return ruleset_parse(&file, 1, d, &set, e);
}

int
suggest_one(const struct action *a, struct buf *out, struct err *e)
{
	AUTO(suggest_freep) struct suggest *s = mem_new(1, sizeof(*s));
	int r;

	if (s == NULL)
		return err_nomem(e);
	s->min = 1;
	r = suggest_learn(s, a, e);
	if (r != 0)
		return r;
	if (!is_some(s))
		return err_set(e, ERR_DENIED, "no rule is made of this: %s",
		    s->reason_count > 0 ? s->reasons[0].text
					: "it is answered one by one");
	suggest_text(s, out);
	r = buf_done(out, e);
	return r != 0 ? r : check(buf_str(out), e);
}
