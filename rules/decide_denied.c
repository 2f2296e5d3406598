/*
 * Hosts that rules deny whatever reaches for them: what a run's profile names
 * is held against them, where no call names the host and no question is asked.
 * Runs in: engine, assent.  Trusts: nothing in the action.
 * Owns: nothing; results are in the arena.
 */
#include "decide_int.h"
#include "match.h"

/* A rule with other conditions is about some calls, not about the host; it
 * is held against what a call names and what a run asks for. */
static bool
is_about_hosts_alone(const struct rule *r)
{
	const struct cond *c = &r->when;

	return r->unless.count == 0 && c->tools == 0 && c->policies == 0 &&
	    c->executors == 0 && c->command == NULL && c->regex == NULL &&
	    c->paths.count == 0 && c->mcp == NULL && c->agents.count == 0 &&
	    c->sessions.count == 0 && c->users.count == 0 &&
	    c->not_understood == UNDERSTOOD_ANY;
}

static bool
is_in_force(const struct plan *p, const struct rule *r)
{
	return r->decision == DECISION_DENY && r->layer != LAYER_PACK &&
	    !r->disabled && r->mode != MODE_OFF &&
	    (r->mode != MODE_SHADOW || p->enforce_shadows) &&
	    !rule_is_over(r, p->action) && rule_in_rollout(r, p->action);
}

static int
add(struct plan *p, const struct rule *r, struct str host)
{
	struct denied_host *to;

	if (p->denied_count == p->denied_cap) {
		const size_t cap = p->denied_cap == 0 ? 8 : p->denied_cap * 2;
		struct denied_host *v = arena_array(p->arena, cap, sizeof(*v));

		if (v == NULL)
			return ERR_NOMEM;
		for (size_t i = 0; i < p->denied_count; i++)
			v[i] = p->denied[i];
		p->denied = v;
		p->denied_cap = cap;
	}
	/* Copies: rules may be loaded again while the action waits. */
	to = &p->denied[p->denied_count];
	to->host = arena_strndup(p->arena, host.s, host.len);
	to->rule = arena_strdup(p->arena, r->id);
	if (to->host == NULL || to->rule == NULL)
		return ERR_NOMEM;
	p->denied_count++;
	return ERR_OK;
}

/* effects: {connect: [...]} says the same as host: [...]. */
static int
add_effects(struct plan *p, const struct rule *r)
{
	const struct effects_want *e = &r->when.effects;
	int code = ERR_OK;

	if (e->count != 1 || e->v[0].kind != EFFECT_CONNECT ||
	    r->when.hosts.count > 0)
		return ERR_OK;
	for (size_t i = 0; code == 0 && i < e->v[0].count; i++) {
		const struct target *t = &e->v[0].targets[i];

		if (t->kind == TARGET_HOST)
			code = add(p, r, t->glob.text);
		else if (t->kind == TARGET_ANY)
			code = add(p, r, STR("*"));
	}
	/* Without a target it is any connection. */
	return code == 0 && e->v[0].count == 0 ? add(p, r, STR("*")) : code;
}

static int
add_rule(struct plan *p, const struct rule *r)
{
	int code = ERR_OK;

	if (!is_in_force(p, r) || !is_about_hosts_alone(r))
		return ERR_OK;
	if (r->when.effects.count > 0)
		return add_effects(p, r);
	for (size_t i = 0; code == 0 && i < r->when.hosts.count; i++)
		code = add(p, r, r->when.hosts.v[i].text);
	return code;
}

int
plan_add_denied(struct plan *p, const struct ruleset *set)
{
	int code = ERR_OK;

	for (size_t i = 0; set != NULL && code == 0 && i < set->rule_count; i++)
		code = add_rule(p, &set->rules[i]);
	return code;
}
