/*
 * Rules against one part of an action.
 * Runs in: every program that judges.  Trusts: nothing.  Owns: nothing.
 */
#include "match.h"

#include <string.h>

#include "model/json_in.h"

/* ---- the input --------------------------------------------------------- */

static bool
is_command(const struct part_command *cmd)
{
	return cmd->tool == TOOL_SHELL || cmd->tool == TOOL_EXEC ||
	    cmd->tool == TOOL_STDIN;
}

static bool
has_unknown_word(const struct part_command *cmd)
{
	bool unknown = cmd->dynamic || cmd->options_open || cmd->operands_open;

	for (size_t i = 0; i < cmd->operand_count; i++)
		unknown = unknown || cmd->operands[i].unknown;
	for (size_t i = 0; i < cmd->option_count; i++)
		unknown = unknown || cmd->options[i].unknown_value;
	return unknown;
}

void
match_input_prepare(struct match_input *in)
{
	const size_t effects = in->part->effect_count;

	in->dynamic = has_unknown_word(in->cmd);
	in->kinds = 0;
	for (size_t i = 0; i < effects; i++)
		in->kinds |= 1u << in->part->effects[i].kind;
	in->slot_count =
	    is_command(in->cmd) || effects == 0 ? effects + 1 : effects;
}

/* ---- regex ------------------------------------------------------------- */

/*
 * Where the first word that is not known begins: unknown words are shown as
 * $name, $(...), `...` or with a pattern character.
 */
struct str
match_known_head(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr("$`*?[<>", text.s[i]) != NULL)
			return str_head(text, i);
	}
	return text;
}

static enum tri
match_regex(
    const struct regex *re, const struct match_input *in, struct strictness s)
{
	const struct str text = str_of(in->part->text);
	enum regex_result r;

	/* That the text as it is shown matches proves nothing then. */
	if (in->dynamic && s.loosens)
		return regex_may_go_on(in->runner, re, match_known_head(text))
		    ? TRI_MAYBE
		    : TRI_NO;
	r = regex_match(in->runner, re, text);
	if (r == REGEX_NO && in->dynamic &&
	    regex_may_go_on(in->runner, re, match_known_head(text)))
		return TRI_MAYBE;
	if (r == REGEX_ERROR)
		return s.loosens ? TRI_NO : TRI_YES;
	return r == REGEX_YES ? TRI_YES : TRI_NO;
}

/* ---- who, when, in which mode ------------------------------------------ */

/* A name that is not told may be any. */
static enum tri
match_claim(const struct globs *want, const char *name)
{
	if (want->count == 0)
		return TRI_YES;
	if (name == NULL)
		return TRI_MAYBE;
	for (size_t i = 0; i < want->count; i++) {
		if (glob_match(&want->v[i], str_of(name)))
			return TRI_YES;
	}
	return TRI_NO;
}

static bool
match_user(const struct users *want, uid_t uid)
{
	for (size_t i = 0; i < want->count; i++) {
		if (want->v[i] == uid)
			return true;
	}
	return want->count == 0;
}

static bool
in_mask(unsigned mask, unsigned bit)
{
	return mask == 0 || (mask & 1u << bit) != 0;
}

static bool
match_understood(const struct cond *c, const struct part *p)
{
	switch (c->not_understood) {
	case UNDERSTOOD_ANY:
		return true;
	case UNDERSTOOD_ONLY:
		return p->not_understood == NULL;
	case UNDERSTOOD_NOT:
		return p->not_understood != NULL;
	}
	return false;
}

/* Everything that costs nothing. */
static enum tri
match_cheap(const struct cond *c, const struct match_input *in)
{
	const struct action *a = in->action;

	if (!in_mask(c->tools, a->proposal.tool) ||
	    !in_mask(c->policies, in->policy) ||
	    !in_mask(c->executors,
		a->contained ? EXECUTOR_ASSENT : a->proposal.executor) ||
	    !match_user(&c->users, a->proposer.uid) ||
	    !match_understood(c, in->part))
		return TRI_NO;
	return tri_min(match_claim(&c->agents, a->proposal.agent_name),
	    match_claim(&c->sessions, a->proposal.session));
}

/* All but the filters on effects. */
static enum tri
match_call(
    const struct cond *c, const struct match_input *in, struct strictness s)
{
	enum tri t = match_cheap(c, in);

	if (t != TRI_NO && c->command != NULL)
		t = tri_min(t, match_command(c->command, in, s));
	if (t != TRI_NO && c->mcp != NULL)
		t = tri_min(t, match_mcp(c->mcp, in, s));
	if (t != TRI_NO && c->regex != NULL)
		t = tri_min(t, match_regex(c->regex, in, s));
	return t;
}

/* Does the part have any effect of a kind that the rule is about? Most have
 * none, and then nothing else needs a look. */
static bool
may_concern(const struct cond *c, const struct match_input *in)
{
	const struct effects_want *w = &c->effects;

	for (size_t i = 0; i < w->count; i++) {
		const unsigned kind = w->v[i].kind;

		if (kind == EFFECT_ANY || kind == EFFECT_START ||
		    (in->kinds & 1u << kind) != 0)
			return true;
	}
	return w->count == 0;
}

static void
all_slots(const struct match_input *in, struct slots *hits)
{
	for (size_t i = 0; i < in->slot_count; i++)
		slots_add(hits, i);
}

enum tri
match_cond(const struct cond *c, const struct match_input *in,
    struct strictness s, struct slots *hits, struct slots *sure)
{
	const enum tri t = match_call(c, in, s);

	if (t == TRI_NO)
		return TRI_NO;
	if (cond_has_filters(c))
		return tri_min(t, match_filters(c, in, s, hits, sure));
	all_slots(in, hits);
	all_slots(in, sure);
	return t;
}

/* ---- unless ------------------------------------------------------------ */

static bool
is_empty(const struct slots *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->bits); i++) {
		if (s->bits[i] != 0)
			return false;
	}
	return true;
}

/*
 * Takes what an exception names out of what a rule that tightens speaks of;
 * gives whether the rule still matches. An exception with filters frees only
 * the effects that it certainly names.
 */
static enum tri
apply_exception(const struct rule *r, const struct cond *ex,
    const struct match_input *in, struct strictness s, struct slots *hits)
{
	struct slots named = { 0 }, sure = { 0 };
	const enum tri t = match_cond(ex, in, s, &named, &sure);

	if (t == TRI_NO || !cond_has_filters(ex))
		return tri_not(t);
	if (!cond_has_filters(&r->when))
		return t == TRI_YES && filters_hold_for_all(ex, in) ? TRI_NO
								    : TRI_YES;
	if (t != TRI_YES)
		return TRI_YES;
	for (size_t i = 0; i < in->slot_count; i++) {
		if (slots_has(&sure, i))
			slots_remove(hits, i);
	}
	return is_empty(hits) ? TRI_NO : TRI_YES;
}

static enum tri
match_unless(const struct rule *r, const struct match_input *in, bool loosens,
    struct slots *hits)
{
	/* What takes a call out of a rule that tightens loosens. */
	const struct strictness s = { .loosens = !loosens,
		.pack = r->layer == LAYER_PACK };
	enum tri left = TRI_YES;

	for (size_t i = 0; i < r->unless.count && left != TRI_NO; i++) {
		const struct cond *ex = &r->unless.v[i];
		struct slots named = { 0 }, sure = { 0 };

		if (loosens)
			left = tri_min(left,
			    tri_not(match_cond(ex, in, s, &named, &sure)));
		else
			left =
			    tri_min(left, apply_exception(r, ex, in, s, hits));
	}
	return left;
}

/* ---- rules ------------------------------------------------------------- */

static bool
rule_loosens(const struct rule *r)
{
	return r->decision == DECISION_ALLOW || r->covers.count > 0;
}

/* FNV-1a: the same session is always on the same side. */
static unsigned
percent_of(const char *id, const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (const char *s = id; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	h *= 0x100000001b3u;
	for (const char *s = name; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return (unsigned)((h ^ h >> 32) % 100);
}

bool
rule_in_rollout(const struct rule *r, const struct action *a)
{
	const char *name = a->proposal.session;
	char uid[16];

	if (r->rollout == NULL)
		return true;
	if (r->rollout->key == ROLLOUT_AGENT)
		name = a->proposal.agent_name;
	else if (r->rollout->key == ROLLOUT_WORKSPACE)
		name = a->proposal.workspace;
	else if (r->rollout->key == ROLLOUT_USER) {
		(void)snprintf(uid, sizeof(uid), "%u", a->proposer.uid);
		name = uid;
	}
	return percent_of(r->id, name == NULL ? "" : name) <
	    r->rollout->percent;
}

/* Without a clock, a rule that loosens has ended and the others have not. */
bool
rule_is_over(const struct rule *r, const struct action *a)
{
	if (r->expires_real_ns == 0)
		return false;
	if (a->proposed_real_ns == 0)
		return rule_loosens(r);
	return a->proposed_real_ns >= r->expires_real_ns;
}

enum tri
rule_match(
    const struct rule *r, const struct match_input *in, struct slots *hits)
{
	const bool loosens = rule_loosens(r);
	const struct strictness s = { .loosens = loosens,
		.pack = r->layer == LAYER_PACK };
	struct slots sure = { 0 };
	enum tri t;

	*hits = (struct slots){ 0 };
	if (r->mode == MODE_OFF || r->disabled || !may_concern(&r->when, in))
		return TRI_NO;
	/* What was not understood is never allowed by what was read of it. */
	if (r->decision == DECISION_ALLOW && in->part->not_understood != NULL)
		return TRI_NO;
	t = match_cond(&r->when, in, s, hits, &sure);
	if (t == TRI_NO || rule_is_over(r, in->action) ||
	    !rule_in_rollout(r, in->action))
		return TRI_NO;
	if (loosens)
		*hits = sure;
	return tri_min(t, match_unless(r, in, loosens, hits));
}

/* ---- what a rule decides ----------------------------------------------- */

/* Does the rule say which program, text or tool it is about? */
static bool
names_call(const struct cond *c)
{
	return (c->command != NULL && c->command->programs.count > 0) ||
	    c->regex != NULL || c->mcp != NULL;
}

static bool
is_ordinary_read(const struct effect *ef)
{
	return ef->kind == EFFECT_READ && ef->path_class != PATH_SECRET &&
	    ef->path_class != PATH_PROTECTED && ef->path_class != PATH_UNKNOWN;
}

/* An undescribed program, or an MCP tool, that the rule names, called with
 * words that are all known: its unknown effects are what is allowed. */
static bool
is_named_unknown(const struct effect *ef, const struct match_input *in)
{
	return ef->kind == EFFECT_UNKNOWN && !in->cmd->described &&
	    !in->dynamic && in->part->not_understood == NULL;
}

bool
rule_covers(const struct rule *r, const struct match_input *in, size_t slot)
{
	const struct strictness exact = { .loosens = true,
		.pack = r->layer == LAYER_PACK };
	const bool allows = r->decision == DECISION_ALLOW;
	const struct effect *ef;

	if (slot_is_start(in, slot))
		return (allows && names_call(&r->when)) ||
		    start_wanted(&r->covers) ||
		    (allows && start_wanted(&r->when.effects));
	ef = &in->part->effects[slot];
	if (effect_wanted(&r->covers, ef, in, exact) == TRI_YES)
		return true;
	if (!allows)
		return false;
	if (names_call(&r->when) &&
	    (is_ordinary_read(ef) || is_named_unknown(ef, in)))
		return true;
	return filters_name(&r->when, in, slot);
}
