/*
 * Conditions on what a part does: effects, paths, hosts.
 * Runs in: every program that judges.  Trusts: nothing.  Owns: nothing.
 *
 * Kinds are compared exactly: that an unknown program might write is not said
 * by a rule about writing, but by the rule about the unknown. Targets can be
 * unknown: then a rule that tightens may be meant (except in packs, where
 * "unknown" is a class that has rules of its own).
 */
#include <string.h>

#include "match.h"

static enum tri
unknown_target(struct strictness s)
{
	return s.pack ? TRI_NO : TRI_MAYBE;
}

/* ---- paths ------------------------------------------------------------- */

/* What the glob is relative to, and the rest of it. */
static const char *
glob_base(struct str *text, const struct action *a)
{
	if (str_starts(*text, STR("/")))
		return "";
	if (str_eqz(*text, "~") || str_starts(*text, STR("~/"))) {
		*text = str_from(*text, 2);
		return a->proposer.home;
	}
	if (str_starts(*text, STR("$home"))) {
		*text = str_from(*text, sizeof("$home"));
		return a->proposer.home;
	}
	if (str_starts(*text, STR("$workspace")))
		*text = str_from(*text, sizeof("$workspace"));
	if (str_starts(*text, STR("./")))
		*text = str_from(*text, 2);
	return a->proposal.workspace;
}

static struct str
last_name(struct str path)
{
	const size_t slash = str_rfind(path, '/');

	return slash == path.len ? path : str_from(path, slash + 1);
}

/* A pattern "dir/" "**" also means dir itself. */
static bool
match_below(const struct glob *g, struct str rest)
{
	struct glob folder = *g;

	if (glob_match(g, rest))
		return true;
	if (!str_ends(g->text, STR("/**")))
		return false;
	folder.text = str_head(g->text, g->text.len - 3);
	return glob_match(&folder, rest);
}

/* A name without any '/' means files of that name, wherever they are. */
bool
glob_match_path(const struct glob *g, const char *path, const struct action *a)
{
	struct glob rest = *g;
	struct str p = str_of(path);
	const char *base;

	if (str_find(g->text, '/') == g->text.len && g->text.s[0] != '~' &&
	    g->text.s[0] != '$')
		return glob_match(g, last_name(p));
	base = glob_base(&rest.text, a);
	if (base == NULL)
		return false;
	if (base[0] != '\0') {
		if (!str_starts(p, str_of(base)))
			return false;
		p = str_from(p, strlen(base));
		if (p.len > 0 && p.s[0] != '/' && base[strlen(base) - 1] != '/')
			return false;
		p = str_from(p, p.len > 0 && p.s[0] == '/' ? 1 : 0);
	}
	if (rest.text.len == 0)
		return p.len == 0;
	return match_below(&rest, p);
}

/* Deleting a folder deletes what a pattern names inside of it. */
static bool
is_above(const struct glob *g, const char *path, const struct action *a)
{
	struct str rest = g->text;
	const char *base = glob_base(&rest, a);
	struct str p = str_of(path);
	const size_t base_len = base == NULL ? 0 : strlen(base);

	if (base == NULL || rest.len == 0)
		return false;
	if (p.len <= base_len)
		return base_len > 0 && str_starts(str_of(base), p) &&
		    (base[p.len] == '/' || base[p.len] == '\0' || p.len == 1);
	if (!str_starts(p, str_of(base)))
		return false;
	p = str_from(p, base_len + (base_len > 0 ? 1 : 0));
	return str_starts(rest, p) && rest.len > p.len && rest.s[p.len] == '/';
}

/* Such a place has to be named: "any", or a pattern that happens to hold it,
 * does not loosen what is said about it. */
static bool
must_be_named(const struct effect *ef)
{
	return ef->path_class == PATH_SECRET ||
	    ef->path_class == PATH_PROTECTED;
}

static enum tri
path_target(const struct glob *g, const struct effect *ef,
    const struct match_input *in, struct strictness s)
{
	if (ef->target == NULL || ef->path_class == PATH_UNKNOWN)
		return unknown_target(s);
	if (s.loosens && must_be_named(ef) && !g->literal)
		return TRI_NO;
	if (glob_match_path(g, ef->target, in->action))
		return TRI_YES;
	if (ef->kind == EFFECT_DELETE && !s.loosens &&
	    is_above(g, ef->target, in->action))
		return TRI_YES;
	return TRI_NO;
}

/* ---- hosts ------------------------------------------------------------- */

struct str
host_without_port(struct str s)
{
	const size_t colon = str_rfind(s, ':');

	if (colon == s.len || colon + 1 == s.len ||
	    str_find(str_from(s, colon), ']') < s.len - colon)
		return s;
	if (str_find(s, ':') != colon && s.s[0] != '[')
		return s; /* an IPv6 address without brackets */
	for (size_t i = colon + 1; i < s.len; i++) {
		if (s.s[i] < '0' || s.s[i] > '9')
			return s;
	}
	return str_head(s, colon);
}

static enum tri
host_target(const struct glob *g, const struct effect *ef, struct strictness s)
{
	const struct str host = str_of(ef->target);

	if (ef->target == NULL)
		return unknown_target(s);
	if (glob_match(g, host) || glob_match(g, host_without_port(host)))
		return TRI_YES;
	return TRI_NO;
}

/* ---- effects ----------------------------------------------------------- */

static enum tri
class_target(
    const struct target *t, const struct effect *ef, struct strictness s)
{
	if (ef->path_class == t->path_class)
		return TRI_YES;
	return ef->path_class == PATH_UNKNOWN ? unknown_target(s) : TRI_NO;
}

static enum tri
target_matches(const struct target *t, const struct effect *ef,
    const struct match_input *in, struct strictness s)
{
	switch (t->kind) {
	case TARGET_ANY:
		return s.loosens &&
			(must_be_named(ef) || ef->path_class == PATH_UNKNOWN)
		    ? TRI_NO
		    : TRI_YES;
	case TARGET_PATH_CLASS:
		return class_target(t, ef, s);
	case TARGET_CODE_CLASS:
		return ef->code_class == t->code_class ? TRI_YES : TRI_NO;
	case TARGET_PATH:
		return path_target(&t->glob, ef, in, s);
	case TARGET_HOST:
		return host_target(&t->glob, ef, s);
	case TARGET_TEXT:
		if (ef->target == NULL)
			return unknown_target(s);
		return glob_match(&t->glob, str_of(ef->target)) ? TRI_YES
								: TRI_NO;
	case TARGET_UNKNOWN_HOST:
		return ef->target == NULL ? TRI_YES : TRI_NO;
	}
	return TRI_NO;
}

/* Is this kind of effect one that the list is about? */
static bool
speaks_of(const struct effects_want *w, unsigned kind)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->v[i].kind == kind || w->v[i].kind == EFFECT_ANY)
			return true;
	}
	return false;
}

enum tri
effect_wanted(const struct effects_want *w, const struct effect *ef,
    const struct match_input *in, struct strictness s)
{
	enum tri best = TRI_NO;

	for (size_t i = 0; i < w->count; i++) {
		const struct effect_want *want = &w->v[i];

		if (want->kind != (unsigned)ef->kind &&
		    want->kind != EFFECT_ANY)
			continue;
		for (size_t j = 0; j < want->count && best < TRI_YES; j++)
			best = tri_max(
			    best, target_matches(&want->targets[j], ef, in, s));
	}
	return best;
}

bool
start_wanted(const struct effects_want *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->v[i].kind == EFFECT_START)
			return true;
	}
	return false;
}

/* ---- the three filters: effects, path, host ---------------------------- */

enum filter {
	FILTER_EFFECTS,
	FILTER_PATH,
	FILTER_HOST,
	FILTER_COUNT,
};

static bool
filter_given(const struct cond *c, enum filter f)
{
	switch (f) {
	case FILTER_EFFECTS:
		return c->effects.count > 0;
	case FILTER_PATH:
		return c->paths.count > 0;
	case FILTER_HOST:
		return c->hosts.count > 0;
	case FILTER_COUNT:
		break;
	}
	return false;
}

static bool
filter_speaks(const struct cond *c, enum filter f, const struct effect *ef)
{
	switch (f) {
	case FILTER_EFFECTS:
		return speaks_of(&c->effects, (unsigned)ef->kind);
	case FILTER_PATH:
		return ef->kind == EFFECT_READ || ef->kind == EFFECT_WRITE ||
		    ef->kind == EFFECT_DELETE;
	case FILTER_HOST:
		return ef->kind == EFFECT_CONNECT;
	case FILTER_COUNT:
		break;
	}
	return false;
}

static enum tri
filter_matches(const struct cond *c, enum filter f, const struct effect *ef,
    const struct match_input *in, struct strictness s)
{
	enum tri best = TRI_NO;

	if (f == FILTER_EFFECTS)
		return effect_wanted(&c->effects, ef, in, s);
	if (f == FILTER_PATH) {
		for (size_t i = 0; i < c->paths.count; i++)
			best = tri_max(
			    best, path_target(&c->paths.v[i], ef, in, s));
		return best;
	}
	for (size_t i = 0; i < c->hosts.count; i++)
		best = tri_max(best, host_target(&c->hosts.v[i], ef, s));
	return best;
}

bool
cond_has_filters(const struct cond *c)
{
	for (unsigned f = 0; f < FILTER_COUNT; f++) {
		if (filter_given(c, (enum filter)f))
			return true;
	}
	return false;
}

/* What all filters that speak of the effect say; none does: NO. */
static enum tri
effect_verdict(const struct cond *c, const struct effect *ef,
    const struct match_input *in, struct strictness s)
{
	enum tri verdict = TRI_YES;
	bool spoken = false;

	for (unsigned f = 0; f < FILTER_COUNT; f++) {
		if (!filter_given(c, (enum filter)f) ||
		    !filter_speaks(c, (enum filter)f, ef))
			continue;
		spoken = true;
		verdict = tri_min(
		    verdict, filter_matches(c, (enum filter)f, ef, in, s));
	}
	return spoken ? verdict : TRI_NO;
}

/* The best that any effect gives one filter. */
static enum tri
filter_satisfied(const struct cond *c, enum filter f,
    const struct match_input *in, struct strictness s)
{
	const struct part *p = in->part;
	enum tri best = TRI_NO;

	for (size_t i = 0; i < p->effect_count && best < TRI_YES; i++) {
		const struct effect *ef = &p->effects[i];

		if (filter_speaks(c, f, ef))
			best = tri_max(best, filter_matches(c, f, ef, in, s));
	}
	if (f == FILTER_EFFECTS && start_wanted(&c->effects) &&
	    in->slot_count > p->effect_count)
		best = TRI_YES;
	return best;
}

enum tri
match_filters(const struct cond *c, const struct match_input *in,
    struct strictness s, struct slots *hits, struct slots *sure)
{
	const struct part *p = in->part;
	enum tri all = TRI_YES;

	for (unsigned f = 0; f < FILTER_COUNT && all > TRI_NO; f++) {
		if (filter_given(c, (enum filter)f))
			all = tri_min(
			    all, filter_satisfied(c, (enum filter)f, in, s));
	}
	if (all == TRI_NO)
		return TRI_NO;
	for (size_t i = 0; i < p->effect_count; i++) {
		const enum tri t = effect_verdict(c, &p->effects[i], in, s);

		if (t != TRI_NO)
			slots_add(hits, i);
		if (t == TRI_YES)
			slots_add(sure, i);
	}
	if (start_wanted(&c->effects) && in->slot_count > p->effect_count) {
		slots_add(hits, p->effect_count);
		slots_add(sure, p->effect_count);
	}
	return all;
}

bool
filters_name(const struct cond *c, const struct match_input *in, size_t slot)
{
	const struct strictness exact = { .loosens = true };
	const struct effect *ef = &in->part->effects[slot];

	return (speaks_of(&c->effects, (unsigned)ef->kind) ||
		   (c->hosts.count > 0 && ef->kind == EFFECT_CONNECT)) &&
	    effect_verdict(c, ef, in, exact) == TRI_YES;
}

bool
filters_hold_for_all(const struct cond *c, const struct match_input *in)
{
	const struct strictness s = { .loosens = true };
	const struct part *p = in->part;

	for (size_t i = 0; i < p->effect_count; i++) {
		const struct effect *ef = &p->effects[i];

		for (unsigned f = 0; f < FILTER_COUNT; f++) {
			if (filter_given(c, (enum filter)f) &&
			    filter_speaks(c, (enum filter)f, ef) &&
			    filter_matches(c, (enum filter)f, ef, in, s) !=
				TRI_YES)
				return false;
		}
	}
	return true;
}
