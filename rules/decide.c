/*
 * Combine what rules say into one decision for an action.
 * Runs in: engine, assent.  Trusts: the rules; nothing in the action.
 * Owns: nothing; results are in the caller's arena.
 */
#include "decide.h"

#include <string.h>

#include "base/num.h"
#include "decide_int.h"
#include "index.h"
#include "model/json_in.h"

/* ---- a slot ------------------------------------------------------------ */

/*
 * The stricter stays. Among equals the floor, then the explicit rule, then
 * the first by id (rules come in that order): one winner in every order.
 */
static void
take(struct judged *best, enum decision d, const struct rule *r, bool unsure)
{
	if (d > best->decision)
		*best = (struct judged){
			.decision = d, .rule = r, .unsure = unsure
		};
}

static struct judged
stricter(struct judged a, struct judged b)
{
	return b.decision > a.decision ? b : a;
}

static struct judged
slot_result(const struct slot_verdict *v)
{
	struct judged best = stricter(v->floor, v->tighten);

	if (v->cover.decision != DECISION_INVALID)
		return stricter(best, v->cover);
	if (v->default_tighten.decision != DECISION_INVALID)
		return stricter(best, v->default_tighten);
	if (v->default_cover.decision != DECISION_INVALID)
		return stricter(best, v->default_cover);
	/* Nothing says that it may be done. */
	return stricter(best, (struct judged){ .decision = DECISION_ASK });
}

/* ---- a rule on a part -------------------------------------------------- */

/* Whether a person said no to this cannot be told: a person is asked. */
static enum decision
decision_when_unsure(enum decision d)
{
	return d == DECISION_DENY ? DECISION_ASK : d;
}

/* Under "untrusted" a default allows only what is listed for it by name. */
static enum decision
default_decision(const struct rule *r, enum approval_policy policy)
{
	if (policy != POLICY_UNTRUSTED ||
	    (r->when.policies & 1u << POLICY_UNTRUSTED) != 0)
		return r->decision;
	return decision_max(r->decision, DECISION_ASK);
}

/* The rule as a minimum for the slots. */
static void
tighten(struct part_judge *j, const struct rule *r, const struct slots *hits,
    bool unsure)
{
	const bool is_default = rule_is_default(r);
	enum decision d =
	    is_default ? default_decision(r, j->options->policy) : r->decision;

	if (unsure)
		d = decision_when_unsure(d);
	for (size_t i = 0; i < j->in.slot_count; i++) {
		struct slot_verdict *v = &j->slots[i];

		if (r->floor)
			take(&v->floor, d, r, unsure);
		else if (!is_default)
			take(&v->tighten, d, r, unsure);
		else if (slots_has(hits, i))
			take(&v->default_tighten, d, r, unsure);
	}
}

/* The rule in place of what is beneath it, for the slots that it covers. */
static void
cover(struct part_judge *j, const struct rule *r)
{
	const bool is_default = rule_is_default(r);
	const enum decision d =
	    is_default ? default_decision(r, j->options->policy) : r->decision;

	if (!j->options->set->may_cover[r->layer])
		return;
	for (size_t i = 0; i < j->in.slot_count; i++) {
		struct slot_verdict *v = &j->slots[i];

		if (!rule_covers(r, &j->in, i))
			continue;
		take(is_default ? &v->default_cover : &v->cover, d, r, false);
	}
}

static void
remember(struct part_judge *j, const struct rule *r, bool unsure)
{
	if (j->matched_count < MATCHED_MAX)
		j->matched[j->matched_count++] = (struct judged){ .rule = r,
			.decision = unsure ? decision_when_unsure(r->decision)
					   : r->decision,
			.unsure = unsure };
}

/* The repository's own rules are not counted. */
static struct rule_count *
count_of(const struct decide_options *o, const struct rule *r)
{
	const struct ruleset *set = o->set;

	return o->counts == NULL || r < set->rules ||
		r >= set->rules + set->rule_count
	    ? NULL
	    : &o->counts[r->order];
}

static void
judge_rule(struct part_judge *j, const struct rule *r)
{
	struct rule_count *n = count_of(j->options, r);
	uint64_t tried, failed, failed_now;
	struct slots hits;

	regex_runner_counts(j->options->runner, &tried, &failed);
	const enum tri t = rule_match(r, &j->in, &hits);

	regex_runner_counts(j->options->runner, &tried, &failed_now);
	if (n != NULL) {
		n->hits += t != TRI_NO;
		n->errors += failed_now - failed;
		if (t != TRI_NO)
			n->last_real_ns = j->in.action->proposed_real_ns;
	}
	if (t == TRI_NO || (t == TRI_MAYBE && r->decision == DECISION_ALLOW))
		return;
	remember(j, r, t == TRI_MAYBE);
	if (r->mode == MODE_SHADOW && !j->options->enforce_shadows)
		return;
	if (r->decision != DECISION_ALLOW)
		tighten(j, r, &hits, t == TRI_MAYBE);
	if (t == TRI_YES)
		cover(j, r);
}

/* ---- a part ------------------------------------------------------------ */

static const char *
keep(struct part_judge *j, const char *text)
{
	const char *copy;

	if (text == NULL)
		return NULL;
	copy = arena_strdup(j->arena, text);
	j->no_memory = j->no_memory || copy == NULL;
	return copy;
}

/*
 * Rules are loaded again while actions wait: what an action shows of a rule
 * is its own copy, made once for all its parts.
 */
static struct rule_ref
ref_of(struct part_judge *j, const struct judged *g)
{
	const struct rule *r = g->rule;
	struct kept_rule *k = NULL;

	if (r == NULL)
		return (struct rule_ref){ .decision = g->decision };
	for (size_t i = 0; i < j->kept_count && k == NULL; i++)
		k = j->kept[i].rule == r ? &j->kept[i] : NULL;
	if (k == NULL) {
		k = &j->kept[j->kept_count < KEPT_RULES_MAX ? j->kept_count++
							    : 0];
		*k = (struct kept_rule){
			.rule = r,
			.ref = {
				.id = keep(j, r->id),
				.file = keep(j, r->file),
				.line = r->line,
				.reason = keep(j,
				    r->reason != NULL ? r->reason : r->title),
				.suggest = keep(j, r->suggest),
				.floor = r->floor,
			},
		};
	}
	struct rule_ref ref = k->ref;

	ref.decision = g->decision;
	return ref;
}

static int
by_strictness(const void *a, const void *b)
{
	const struct judged *x = a, *y = b;
	const bool sx = x->rule->mode == MODE_SHADOW;
	const bool sy = y->rule->mode == MODE_SHADOW;

	if (sx != sy)
		return sx ? 1 : -1;
	if (x->decision != y->decision)
		return x->decision > y->decision ? -1 : 1;
	if (x->rule->floor != y->rule->floor)
		return x->rule->floor ? -1 : 1;
	if (rule_is_default(x->rule) != rule_is_default(y->rule))
		return rule_is_default(x->rule) ? 1 : -1;
	if (x->rule->order != y->rule->order)
		return x->rule->order < y->rule->order ? -1 : 1;
	/* Of two sets: the repository's comes after. */
	return (int)x->rule->layer - (int)y->rule->layer;
}

static int
keep_matched(struct part_judge *j, struct part *part)
{
	const size_t n = j->matched_count < PART_RULES_SHOWN ? j->matched_count
							     : PART_RULES_SHOWN;

	qsort(j->matched, j->matched_count, sizeof(*j->matched), by_strictness);
	part->rules = arena_array(j->arena, n, sizeof(*part->rules));
	if (part->rules == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		part->rules[i] = ref_of(j, &j->matched[i]);
	part->rule_count = n;
	return ERR_OK;
}

static enum risk
risk_of_decision(const struct judged *g)
{
	if (g->rule != NULL && g->rule->risk != RISK_INVALID)
		return g->rule->risk;
	switch (g->decision) {
	case DECISION_DENY:
		return RISK_CRITICAL;
	case DECISION_ASK:
		return RISK_HIGH;
	case DECISION_REVIEW:
		return RISK_MEDIUM;
	case DECISION_INVALID:
	case DECISION_ALLOW:
		break;
	}
	return RISK_LOW;
}

/* What a slot is about. Of what is allowed, the later kind says more: to
 * write more than to read, to run more than to write; to start least. */
static enum effect_kind
kind_at(const struct part *part, size_t slot)
{
	return slot < part->effect_count ? part->effects[slot].kind
					 : EFFECT_INVALID;
}

/* Decisions of the slots into the part; the strictest becomes j->worst. */
static void
settle(struct part_judge *j, struct part *part)
{
	for (size_t i = 0; i < j->in.slot_count; i++) {
		const struct judged g = slot_result(&j->slots[i]);
		const enum decision floor = j->slots[i].floor.decision;
		const enum risk risk = risk_of_decision(&g);

		part->floor = part->floor || floor > DECISION_ALLOW;
		if (i < part->effect_count) {
			part->effects[i].decision = g.decision;
			part->effects[i].rule = ref_of(j, &g);
		}
		if (g.decision > j->worst.decision ||
		    (g.decision == DECISION_ALLOW &&
			g.decision == j->worst.decision &&
			kind_at(part, i) > kind_at(part, j->worst_slot))) {
			part->risk =
			    risk > part->risk || g.decision > j->worst.decision
			    ? risk
			    : part->risk;
			j->worst = g;
			j->worst_slot = i;
		} else if (g.decision == j->worst.decision &&
		    risk > part->risk) {
			part->risk = risk;
		}
	}
	part->decision = j->worst.decision;
}

static int
judge_part(
    struct part_judge *j, struct part *part, const struct part_command *cmd)
{
	j->in.part = part;
	j->in.cmd = cmd;
	part->command = cmd;
	part->floor = false;
	match_input_prepare(&j->in);
	if (part->effect_count > EFFECTS_PER_PART_MAX)
		return ERR_LIMIT;
	memset(j->slots, 0, j->in.slot_count * sizeof(*j->slots));
	j->matched_count = 0;
	j->worst = (struct judged){ 0 };
	j->worst_slot = 0;
	index_each(j->options->set, &j->in, judge_rule, j);
	if (j->options->project != NULL && j->options->project->set != NULL)
		index_each(j->options->project->set, &j->in, judge_rule, j);
	settle(j, part);
	return keep_matched(j, part);
}

/* ---- the action -------------------------------------------------------- */

static bool
allows_more(const struct action_judge *aj, const struct part_judge *j,
    const struct part *part)
{
	return aj->worst.decision == DECISION_ALLOW && part->risk == aj->risk &&
	    kind_at(part, j->worst_slot) >
	    kind_at(aj->worst_part, aj->worst_slot);
}

/* Which part speaks for the action: the strictest, then the riskiest; of
 * what is allowed, that which says most of what happens. */
static void
take_part(struct action_judge *aj, const struct part_judge *j,
    const struct part *part)
{
	const bool first = aj->worst.decision == DECISION_INVALID;

	if (!first && j->worst.decision < aj->worst.decision)
		return;
	if (!first && j->worst.decision == aj->worst.decision &&
	    part->risk <= aj->risk && !allows_more(aj, j, part))
		return;
	aj->worst = j->worst;
	aj->worst_part = part;
	aj->worst_slot = j->worst_slot;
	aj->risk = part->risk;
}

/*
 * "never": nobody can be asked. What would wait for a person is denied, and
 * so is what would wait for a reviewer when there is none.
 */
static bool
denied_by_policy(const struct decide_options *o, enum decision d)
{
	if (o->policy != POLICY_NEVER)
		return false;
	return d == DECISION_ASK || (d == DECISION_REVIEW && !o->reviewer);
}

static void
fill(const struct decide_options *o, struct part_judge *j,
    const struct action_judge *aj, struct classification *ret)
{
	const struct rule *r = aj->worst.rule;

	ret->decision = aj->worst.decision;
	ret->risk = aj->risk;
	ret->floor = r != NULL && r->floor;
	ret->by = r != NULL && !rule_is_default(r) ? BY_RULE : BY_DEFAULT;
	ret->rule = ref_of(j, &aj->worst);
	ret->suggest = ret->rule.suggest;
	if (denied_by_policy(o, ret->decision)) {
		ret->decision = DECISION_DENY;
		ret->by = BY_POLICY;
	}
}

/* Nobody knows what the repository's rules would say: a person has to look. */
static void
ask_for_problem(const struct decide_options *o, struct arena *arena,
    struct classification *ret)
{
	AUTO_BUF struct buf b = BUF_INIT(ERR_MSG_MAX * 2);

	if (ret->decision >= DECISION_ASK)
		return;
	buf_printf(&b, "The rules of this repository cannot be used: %s",
	    o->project->problem);
	ret->decision = DECISION_ASK;
	ret->risk = ret->risk > RISK_MEDIUM ? ret->risk : RISK_MEDIUM;
	ret->by = BY_POLICY;
	ret->floor = true;
	ret->suggest = NULL;
	ret->rule = (struct rule_ref){ .decision = DECISION_ASK };
	ret->reason = arena_strdup(arena, buf_cstr(&b));
	if (denied_by_policy(o, ret->decision))
		ret->decision = DECISION_DENY;
}

static int
judge_parts(struct part_judge *j, struct action_judge *aj, struct effects *fx)
{
	int r = ERR_OK;

	for (size_t i = 0; i < fx->count && r == 0; i++) {
		r = judge_part(j, &fx->parts[i], &fx->commands[i]);
		if (r == 0)
			take_part(aj, j, &fx->parts[i]);
		if (r == 0)
			r = plan_add(aj->plan, j);
	}
	return r;
}

struct part_judge *
decide_scratch_new(void)
{
	return mem_new(1, sizeof(struct part_judge));
}

int
decide(const struct decide_options *o, const struct action *a,
    const struct effects *fx, struct arena *arena, struct classification *ret,
    struct err *e)
{
	struct part_judge *j = o->scratch;
	struct plan plan = { .arena = arena, .action = a };
	struct action_judge aj = { .plan = &plan };
	struct effects own = *fx;
	json_auto_t *args = NULL;
	int r;

	if (a->proposal.input.mcp_args != NULL)
		(void)json_in(str_of(a->proposal.input.mcp_args), &args, NULL);
	j->options = o;
	j->arena = arena;
	j->kept_count = 0;
	j->no_memory = false;
	j->in = (struct match_input){ .action = a,
		.runner = o->runner,
		.policy = o->policy,
		.args = args };
	regex_runner_begin(o->runner);
	r = judge_parts(j, &aj, &own);
	if (r != 0)
		return r == ERR_NOMEM
		    ? err_nomem(e)
		    : err_set(e, ERR_LIMIT, "too many effects");
	*ret = (struct classification){
		.display = fx->display,
		.parts = fx->parts,
		.part_count = fx->count,
	};
	fill(o, j, &aj, ret);
	if (aj.worst.rule != NULL && count_of(o, aj.worst.rule) != NULL)
		count_of(o, aj.worst.rule)->decided++;
	ret->reason = reason_of(&aj, ret, arena);
	if (o->project != NULL && o->project->problem != NULL)
		ask_for_problem(o, arena, ret);
	plan.enforce_shadows = o->enforce_shadows;
	r = plan_add_denied(&plan, o->set);
	if (r == 0)
		r = plan_add_denied(
		    &plan, o->project == NULL ? NULL : o->project->set);
	if (r == 0)
		r = plan_finish(&plan, ret);
	return r != 0 || ret->reason == NULL || j->no_memory ? err_nomem(e)
							     : ERR_OK;
}
