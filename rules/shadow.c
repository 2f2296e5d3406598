/*
 * Judge what was decided once more, by what is only being tried.
 * Runs in: engine, assent.  Trusts: the rules; nothing in the action.
 * Owns: the candidate, the examples.
 */
#include "shadow.h"

#include <stdlib.h>
#include <string.h>

static void
example_done(struct shadow_example *x)
{
	free(x->text);
	free(x->rule);
	*x = (struct shadow_example){ .text = NULL };
}

void
shadow_done(struct shadow *s)
{
	for (size_t k = 0; k < SHADOW_KINDS; k++) {
		for (size_t i = 0; i < SHADOW_EXAMPLES; i++)
			example_done(&s->counts[k].examples[i]);
	}
	ruleset_freep(&s->candidate);
	free(s->problem);
	s->problem = NULL;
}

bool
ruleset_has_shadows(const struct ruleset *set)
{
	for (size_t i = 0; i < set->rule_count; i++) {
		if (set->rules[i].mode == MODE_SHADOW)
			return true;
	}
	return false;
}

/* ---- judging ------------------------------------------------------------- */

/* Deciding writes into parts and effects: those of the decision stay. */
static int
copy_effects(const struct effects *fx, struct arena *arena, struct effects *ret)
{
	*ret = *fx;
	ret->parts = arena_array(arena, fx->count + 1, sizeof(*ret->parts));
	if (ret->parts == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < fx->count; i++) {
		struct part *p = &ret->parts[i];

		*p = fx->parts[i];
		p->effects = arena_array(
		    arena, p->effect_count + 1, sizeof(*p->effects));
		if (p->effects == NULL)
			return ERR_NOMEM;
		if (p->effect_count > 0)
			memcpy(p->effects, fx->parts[i].effects,
			    p->effect_count * sizeof(*p->effects));
	}
	return ERR_OK;
}

static void
keep_example(struct shadow_count *n, const struct action *a,
    const struct classification *is, const struct classification *would)
{
	struct shadow_example *x = &n->examples[n->next++ % SHADOW_EXAMPLES];

	example_done(x);
	*x = (struct shadow_example){
		.text = mem_strndup(is->display, strlen(is->display)),
		.rule = would->rule.id == NULL
		    ? NULL
		    : mem_strndup(would->rule.id, strlen(would->rule.id)),
		.from = is->decision,
		.to = would->decision,
		.time_real_ns = a->proposed_real_ns,
	};
}

static void
judge_one(struct shadow_count *n, const struct decide_options *o,
    const struct action *a, const struct effects *fx,
    const struct classification *is, struct arena *arena)
{
	struct classification would;
	struct effects copy;

	if (copy_effects(fx, arena, &copy) != 0 ||
	    decide(o, a, &copy, arena, &would, NULL) != 0)
		return;
	n->calls++;
	n->matrix.n[is->decision][would.decision]++;
	if (is->decision != would.decision)
		keep_example(n, a, is, &would);
}

void
shadow_judge(struct shadow *s, const struct decide_options *o,
    const struct action *a, const struct effects *fx,
    const struct classification *decided, struct arena *arena)
{
	struct decide_options other = *o;

	other.counts = NULL;
	other.enforce_shadows = true;
	if (s->has_rules)
		judge_one(
		    &s->counts[SHADOW_RULES], &other, a, fx, decided, arena);
	other.enforce_shadows = false;
	other.set = s->candidate;
	if (s->candidate != NULL)
		judge_one(&s->counts[SHADOW_CANDIDATE], &other, a, fx, decided,
		    arena);
}

/* ---- report --------------------------------------------------------------- */

static const char *const kind_names[] = {
	[SHADOW_RULES] = "rules",
	[SHADOW_CANDIDATE] = "candidate",
};
_Static_assert(ARRAY_LEN(kind_names) == SHADOW_KINDS, "every kind has a name");

static void
put_examples(const struct shadow_count *n, struct jsonw *w)
{
	jsonw_key(w, "examples");
	jsonw_array(w);
	for (size_t i = 0; i < SHADOW_EXAMPLES; i++) {
		const struct shadow_example *x = &n->examples[i];

		if (x->text == NULL)
			continue;
		jsonw_object(w);
		jsonw_kstr(w, "call", x->text);
		jsonw_kstr(w, "is", decision_name(x->from));
		jsonw_kstr(w, "would_be", decision_name(x->to));
		jsonw_kstr(w, "rule", x->rule);
		jsonw_key(w, "time");
		jsonw_time(w, x->time_real_ns);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
put_kind(const struct shadow_count *n, struct jsonw *w)
{
	decision_matrix_json(&n->matrix, w);
	put_examples(n, w);
}

void
shadow_json(const struct shadow *s, struct jsonw *w)
{
	const bool on[] = { s->has_rules,
		s->candidate != NULL || s->problem != NULL };

	jsonw_object(w);
	for (size_t k = 0; k < SHADOW_KINDS; k++) {
		jsonw_key(w, kind_names[k]);
		if (!on[k]) {
			jsonw_null(w);
			continue;
		}
		jsonw_object(w);
		if (k == SHADOW_CANDIDATE) {
			jsonw_kstr(w, "problem", s->problem);
			if (s->candidate != NULL) {
				jsonw_key(w, "rules_sha256");
				jsonw_hex(w, s->candidate->digest, SHA256_LEN);
			}
		}
		put_kind(&s->counts[k], w);
		jsonw_end(w);
	}
	jsonw_end(w);
}

void
shadow_metrics(const struct shadow *s, struct buf *out)
{
	buf_puts(out,
	    "# HELP assent_shadow_calls_total Calls judged by what is only "
	    "tried, by what became of the decision.\n"
	    "# TYPE assent_shadow_calls_total counter\n");
	for (size_t k = 0; k < SHADOW_KINDS; k++) {
		const struct shadow_count *n = &s->counts[k];
		const uint64_t looser = decision_matrix_moved(&n->matrix, true);
		const uint64_t stricter =
		    decision_matrix_moved(&n->matrix, false);
		const uint64_t counts[] = { looser, stricter,
			n->calls - looser - stricter };
		static const char *const names[] = { "looser", "stricter",
			"same" };

		for (size_t i = 0; i < ARRAY_LEN(counts); i++)
			buf_printf(out,
			    "assent_shadow_calls_total{by=\"%s\",change="
			    "\"%s\"} %llu\n",
			    kind_names[k], names[i],
			    (unsigned long long)counts[i]);
	}
}
