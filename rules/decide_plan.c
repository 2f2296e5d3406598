/*
 * The execution profile that an answer would grant: the session's, plus
 * exactly the hosts and paths that the call's effects need.
 * Runs in: engine, assent.  Trusts: nothing in the action.
 * Owns: nothing; results are in the arena.
 */
#include <stdlib.h>
#include <string.h>

#include "decide_int.h"

#define PROFILE_DEFAULT "workspace-write"

/* From the narrowest; named ones lie before the last. */
static const char *const profile_order[] = { "read-only", "workspace-write",
	"workspace-write-online", NULL, "danger-full-access" };

static size_t
profile_rank(const char *name)
{
	size_t named = 0;

	for (size_t i = 0; i < ARRAY_LEN(profile_order); i++) {
		if (profile_order[i] == NULL)
			named = i;
		else if (strcmp(profile_order[i], name) == 0)
			return i;
	}
	return named;
}

/* True: a is narrower than b. Names settle a tie, so that order does not. */
static bool
is_narrower(const char *a, const char *b)
{
	const size_t x = profile_rank(a), y = profile_rank(b);

	return x != y ? x < y : strcmp(a, b) < 0;
}

int
plan_add_text(struct plan *p, struct texts_list *l, const char *text)
{
	const char **v;

	if (l->count == l->cap) {
		const size_t cap = l->cap == 0 ? 8 : l->cap * 2;

		v = arena_array(p->arena, cap, sizeof(*v));
		if (v == NULL)
			return ERR_NOMEM;
		if (l->count > 0)
			memcpy(v, l->v, l->count * sizeof(*v));
		l->v = v;
		l->cap = cap;
	}
	l->v[l->count++] = text;
	return ERR_OK;
}

static bool
is_beyond_workspace(enum path_class c)
{
	return c == PATH_OUTSIDE || c == PATH_HOME || c == PATH_SECRET ||
	    c == PATH_PROTECTED || c == PATH_SYSTEM;
}

static int
add_effect(struct plan *p, const struct effect *ef)
{
	if (ef->decision == DECISION_DENY ||
	    (ef->target == NULL && ef->kind != EFFECT_CONNECT))
		return ERR_OK;
	switch (ef->kind) {
	case EFFECT_CONNECT:
		return plan_add_host(p, ef);
	case EFFECT_WRITE:
	case EFFECT_DELETE:
		return is_beyond_workspace(ef->path_class)
		    ? plan_add_text(p, &p->write, ef->target)
		    : ERR_OK;
	case EFFECT_READ:
		/* A variable is no path: what a run finds in its environment
		 * is the plan's to say. */
		return ef->path_class == PATH_SECRET && ef->target[0] == '/'
		    ? plan_add_text(p, &p->read, ef->target)
		    : ERR_OK;
	case EFFECT_INVALID:
	case EFFECT_RUN_CODE:
	case EFFECT_SIGNAL:
	case EFFECT_PRIVILEGE:
	case EFFECT_REMOTE_STATE:
	case EFFECT_WIDEN:
	case EFFECT_UNKNOWN:
		break;
	}
	return ERR_OK;
}

/* What an allowing rule adds by itself. */
/* Copies: rules may be loaded again while the action waits. */
static int
add_rule(struct plan *p, const struct rule *r)
{
	int e = ERR_OK;

	if (r->profile != NULL &&
	    (p->profile == NULL || is_narrower(r->profile, p->profile)))
		p->profile = arena_strdup(p->arena, r->profile);
	p->network = p->network || r->hosts.count > 0;
	for (size_t i = 0; i < r->hosts.count && e == 0; i++) {
		const char *host = arena_strdup(p->arena, r->hosts.v[i].text.s);

		e = host == NULL ? ERR_NOMEM
				 : plan_add_text(p, &p->hosts, host);
	}
	if (r->profile != NULL && p->profile == NULL)
		return ERR_NOMEM;
	return e;
}

int
plan_add(struct plan *p, const struct part_judge *j)
{
	const struct part *part = j->in.part;
	int r = ERR_OK;

	for (size_t i = 0; i < part->effect_count && r == 0; i++)
		r = add_effect(p, &part->effects[i]);
	for (size_t i = 0; i < j->matched_count && r == 0; i++) {
		const struct rule *rule = j->matched[i].rule;

		if ((rule->mode != MODE_SHADOW ||
			j->options->enforce_shadows) &&
		    j->options->set->may_cover[rule->layer] &&
		    rule->decision != DECISION_DENY && !j->matched[i].unsure)
			r = add_rule(p, rule);
	}
	return r;
}

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Sorted, each once: the hash of a plan does not depend on chance. */
static void
sort_unique(struct texts_list *l)
{
	size_t n = 0;

	if (l->count == 0)
		return;
	qsort(l->v, l->count, sizeof(*l->v), by_text);
	for (size_t i = 0; i < l->count; i++) {
		if (n == 0 || strcmp(l->v[n - 1], l->v[i]) != 0)
			l->v[n++] = l->v[i];
	}
	l->count = n;
}

int
plan_finish(struct plan *p, struct classification *ret)
{
	const char *asked = p->action->proposal.profile;
	const char *name = asked != NULL ? asked : PROFILE_DEFAULT;

	if (asked == NULL && p->profile != NULL)
		name = p->profile;
	else if (p->profile != NULL && is_narrower(p->profile, name))
		name = p->profile;
	sort_unique(&p->hosts);
	sort_unique(&p->write);
	sort_unique(&p->read);
	ret->profile = (struct execution_profile){
		.name = name,
		.hosts = p->hosts.v,
		.host_count = p->hosts.count,
		.online = p->network,
		.network = plan_network(p,
		    strcmp(name, "workspace-write-online") == 0 ||
			strcmp(name, "danger-full-access") == 0),
		.write = p->write.v,
		.write_count = p->write.count,
		.read = p->read.v,
		.read_count = p->read.count,
		.denied = p->denied,
		.denied_count = p->denied_count,
	};
	return ERR_OK;
}
