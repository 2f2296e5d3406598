/*
 * Properties of combining, over random rule sets and random calls.
 * Runs in: tests.  Trusts: nothing.  Owns: its own worlds.
 *
 * The seed is printed; ASSERTs name it, so that a failure can be repeated.
 */
#include <stdlib.h>

#include "lint.h"
#include "rule_world.h"
#include "shadow.h"

#define ROUNDS 400
#define RULES_EACH 12
#define PARTS_EACH 3
#define EFFECTS_EACH 3

struct dice {
	uint64_t state;
};

static unsigned
roll(struct dice *d, unsigned sides)
{
	d->state = d->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(d->state >> 33) % sides;
}

static const char *const programs[] = { "git", "curl", "rm", "tool" };
static const char *const words[] = { "push", "main", "dev", "x", "$X" };
static const char *const options[] = { "-f", "--force", "-o" };
static const char *const hosts[] = { "a.example", "b.example", "*.example" };
static const char *const paths[] = { "/home/dev/proj/a", "/home/dev/.ssh/id",
	"/etc/passwd", "/home/dev/proj/docs/b" };
static const char *const classes[] = { "workspace", "secret", "system", "any",
	"unknown" };
static const char *const kinds[] = { "read", "write", "delete", "any" };
static const char *const decisions[] = { "allow", "allow", "allow", "allow",
	"review", "ask", "deny" };

#define PICK(d, array) ((array)[roll(d, ARRAY_LEN(array))])

static void
put_effects(struct buf *b, struct dice *d)
{
	switch (roll(d, 7)) {
	case 5:
	case 6:
		buf_puts(b, "{any: [any, workspace, secret], start: any}");
		break;
	case 0:
		buf_printf(b, "{connect: [\"%s\"]}", PICK(d, hosts));
		break;
	case 1:
		buf_puts(b, "{start: any}");
		break;
	case 2:
		buf_printf(b, "{%s: [%s], connect: any}", PICK(d, kinds),
		    PICK(d, classes));
		break;
	case 3:
		buf_puts(b, "{run_code: [workspace], unknown: any}");
		break;
	default:
		buf_printf(b, "{%s: [%s, \"docs/**\"]}", PICK(d, kinds),
		    PICK(d, classes));
		break;
	}
}

static void
put_condition(struct buf *b, struct dice *d)
{
	switch (roll(d, 8)) {
	case 0:
		buf_printf(b, "command: {program: %s, any_option: [%s]}",
		    PICK(d, programs), PICK(d, options));
		break;
	case 1:
		buf_printf(b, "command: {program: %s, any_operand: [main]}",
		    PICK(d, programs));
		break;
	case 2:
		buf_printf(b, "regex: '%s .*%s.*'", PICK(d, programs),
		    PICK(d, words)[0] == '$' ? "x" : "main");
		break;
	case 3:
		buf_puts(b, "effects: ");
		put_effects(b, d);
		break;
	case 4:
		buf_printf(b, "command: {program: %s, no_operand: [dev]}",
		    PICK(d, programs));
		break;
	case 5:
		buf_printf(b, "host: %s",
		    roll(d, 2) == 0 ? "a.example"
				    : "[b.example, \"c.example:443\"]");
		break;
	case 6:
		buf_printf(b, "command: {program: [%s, dd], subcommand: %s}",
		    PICK(d, programs), roll(d, 2) == 0 ? "push" : "main");
		break;
	default:
		buf_printf(b, "command: {program: %s}, path: [\"~/.ssh/*\"]",
		    PICK(d, programs));
		break;
	}
}

/* One rule as a line of YAML. layer decides what it may say. */
static void
put_rule(struct buf *b, struct dice *d, const char *id, enum rule_layer layer)
{
	const char *decision = PICK(d, decisions);
	const bool deny = strcmp(decision, "deny") == 0;
	const bool floor = layer < LAYER_PROJECT && roll(d, 9) == 0 &&
	    strcmp(decision, "allow") != 0;

	buf_printf(b, "  - {id: %s, decision: %s, ", id, decision);
	put_condition(b, d);
	if (floor)
		buf_puts(b, ", floor: true");
	else if (!deny && roll(d, 4) != 0) {
		buf_puts(b, ", covers: ");
		put_effects(b, d);
	}
	if (roll(d, 4) == 0) {
		buf_puts(b, ", unless: {");
		put_condition(b, d);
		buf_puts(b, "}");
	}
	buf_puts(b, "}\n");
}

/* The rules of a set, one text each, so that they can be put together in any
 * order. */
struct rules_text {
	char *line[RULES_EACH];
	enum rule_layer layer[RULES_EACH];
};

static void
rules_done(struct rules_text *r)
{
	for (size_t i = 0; i < RULES_EACH; i++)
		free(r->line[i]);
}

static void
random_rules(struct dice *d, struct rules_text *r)
{
	static const enum rule_layer layers[] = { LAYER_PACK, LAYER_PACK,
		LAYER_ORGANISATION, LAYER_ORGANISATION, LAYER_PROJECT,
		LAYER_USER, LAYER_REQUIREMENTS };

	for (size_t i = 0; i < RULES_EACH; i++) {
		AUTO_BUF struct buf b = BUF_INIT(WORLD_ARENA);
		char id[16];

		(void)snprintf(id, sizeof(id), "r.%zu", i);
		r->layer[i] = PICK(d, layers);
		put_rule(&b, d, id, r->layer[i]);
		assert_int_equal(buf_take(&b, &r->line[i], NULL), 0);
	}
}

static void
shuffle(struct dice *d, size_t *order, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		const size_t j = roll(d, (unsigned)i);
		const size_t t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
}

/*
 * A set of those rules whose bit is set: files for each layer, in the order
 * given, cut in two where cut says.
 */
static struct ruleset *
build(
    const struct rules_text *r, unsigned mask, const size_t *order, size_t cut)
{
	struct buf files[2][LAYER_USER + 1];
	struct rule_text texts[2 * (LAYER_USER + 1)];
	struct ruleset *set;
	size_t n = 0;

	for (size_t f = 0; f < 2; f++) {
		for (size_t l = 0; l <= LAYER_USER; l++) {
			files[f][l] = (struct buf)BUF_INIT(WORLD_ARENA);
			buf_puts(&files[f][l], "assent: 1\nrules:\n");
		}
	}
	for (size_t i = 0; i < RULES_EACH; i++) {
		const size_t k = order[i];

		if ((mask & 1u << k) != 0)
			buf_puts(
			    &files[i < cut ? 0 : 1][r->layer[k]], r->line[k]);
	}
	for (size_t i = 0; i < 2 * (LAYER_USER + 1); i++) {
		/* The order of files, too. */
		const size_t at = cut % 2 == 0 ? i : 2 * LAYER_USER + 1 - i;
		struct buf *f = &files[at % 2][at / 2];

		if (f->len > strlen("assent: 1\nrules:\n"))
			texts[n++] =
			    (struct rule_text){ .name = at % 2 == 0 ? "a.yaml"
								    : "b.yaml",
				    .layer = (enum rule_layer)(at / 2),
				    .text = buf_str(f) };
	}
	set = set_of(texts, n);
	for (size_t f = 0; f < 2; f++) {
		for (size_t l = 0; l <= LAYER_USER; l++)
			buf_free(&files[f][l]);
	}
	return set;
}

static struct effect
random_effect(struct dice *d)
{
	static const enum effect_kind kind[] = { EFFECT_READ, EFFECT_WRITE,
		EFFECT_DELETE, EFFECT_CONNECT, EFFECT_RUN_CODE, EFFECT_UNKNOWN,
		EFFECT_PRIVILEGE, EFFECT_REMOTE_STATE };
	struct effect ef = { .kind = PICK(d, kind) };

	if (ef.kind == EFFECT_CONNECT) {
		ef.target = roll(d, 4) == 0 ? NULL : hosts[roll(d, 2)];
		return ef;
	}
	if (ef.kind == EFFECT_RUN_CODE)
		ef.code_class = (enum code_class)(1 + roll(d, 4));
	if (ef.kind > EFFECT_DELETE)
		return ef;
	ef.path_class = (enum path_class)(1 + roll(d, PATH_GENERATED));
	ef.target = ef.path_class == PATH_UNKNOWN ? NULL : PICK(d, paths);
	return ef;
}

static void
random_call(struct dice *d, struct world *w, struct effect *pool)
{
	struct arena *a = w->action->arena;

	w->fx.count = 0;
	for (size_t i = roll(d, PARTS_EACH); i < PARTS_EACH; i++) {
		AUTO_BUF struct buf b = BUF_INIT(4096);
		struct effect *fx = &pool[w->fx.count * EFFECTS_EACH];
		const size_t n = roll(d, EFFECTS_EACH + 1);
		struct part_command *c;

		buf_puts(&b, PICK(d, programs));
		for (unsigned k = roll(d, 4); k > 0; k--)
			buf_printf(&b, " %s",
			    roll(d, 2) == 0 ? PICK(d, words)
					    : PICK(d, options));
		for (size_t k = 0; k < n; k++)
			fx[k] = random_effect(d);
		c = world_part(w, arena_strdup(a, buf_cstr(&b)), fx, n);
		c->described = roll(d, 3) != 0;
		c->options_open = roll(d, 6) == 0;
		c->dynamic = roll(d, 12) == 0;
		if (roll(d, 12) == 0)
			w->parts[w->fx.count - 1].not_understood = "because";
	}
}

static void
start(struct world *w)
{
	world_open(w, "assent: 1\n");
	ruleset_free(w->set);
	w->set = NULL;
}

static void
no_order_of_files_or_rules_changes_a_decision(void **state)
{
	struct dice d = { .state = 20261125 };
	size_t decided[DECISION_DENY + 1] = { 0 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		AUTO(rules_done) struct rules_text rules = { 0 };
		struct effect pool[PARTS_EACH * EFFECTS_EACH];
		size_t order[RULES_EACH];
		struct world w;
		struct classification first;

		random_rules(&d, &rules);
		for (size_t i = 0; i < RULES_EACH; i++)
			order[i] = i;
		start(&w);
		w.set = build(&rules, ~0u, order, RULES_EACH);
		random_call(&d, &w, pool);
		if (roll(&d, 4) == 0)
			w.policy = (enum approval_policy)(1 + roll(&d, 3));
		(void)world_decide(&w);
		first = w.last;
		decided[first.decision]++;
		for (int again = 0; again < 4; again++) {
			ruleset_free(w.set);
			shuffle(&d, order, RULES_EACH);
			w.set =
			    build(&rules, ~0u, order, roll(&d, RULES_EACH + 1));
			(void)world_decide(&w);
			if (w.last.decision != first.decision ||
			    w.last.risk != first.risk ||
			    w.last.by != first.by ||
			    w.last.floor != first.floor ||
			    strcmp(w.last.reason, first.reason) != 0)
				fail_msg("round %d: %s became %s", round,
				    decision_name(first.decision),
				    decision_name(w.last.decision));
		}
		world_close(&w);
	}
	/* Worth nothing if every case is alike. */
	for (int k = DECISION_ALLOW; k <= DECISION_DENY; k++)
		assert_true(decided[k] > ROUNDS / 100);
}

/* The decision of every slot, by itself, of every part. */
static void
slot_decisions(struct world *w, enum decision *ret)
{
	for (size_t i = 0; i < PARTS_EACH * EFFECTS_EACH; i++)
		ret[i] = DECISION_INVALID;
	for (size_t i = 0; i < w->fx.count; i++) {
		for (size_t k = 0; k < w->parts[i].effect_count; k++)
			ret[i * EFFECTS_EACH + k] =
			    w->parts[i].effects[k].decision;
	}
}

/* Does the new rule decide this effect? Asked of the matcher alone. */
static bool
new_rule_covers(struct world *w, const char *id, size_t part, size_t slot)
{
	const struct rule *r = ruleset_find(w->set, id);
	struct match_input in = { .action = w->action,
		.part = &w->parts[part],
		.cmd = &w->commands[part],
		.runner = w->runner,
		.policy = w->policy };
	struct slots hits;

	match_input_prepare(&in);
	return w->set->may_cover[r->layer] && !r->floor &&
	    rule_match(r, &in, &hits) == TRI_YES && rule_covers(r, &in, slot);
}

static void
adding_a_rule_never_loosens_an_uncovered_effect(void **state)
{
	struct dice d = { .state = 4711 };
	unsigned looser = 0, compared = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		AUTO(rules_done) struct rules_text rules = { 0 };
		enum decision before[PARTS_EACH * EFFECTS_EACH];
		enum decision after[PARTS_EACH * EFFECTS_EACH];
		struct effect pool[PARTS_EACH * EFFECTS_EACH];
		size_t order[RULES_EACH];
		const unsigned added = roll(&d, RULES_EACH);
		char id[16];
		struct world w;

		random_rules(&d, &rules);
		for (size_t i = 0; i < RULES_EACH; i++)
			order[i] = i;
		(void)snprintf(id, sizeof(id), "r.%u", added);
		start(&w);
		w.set = build(&rules, ~(1u << added), order, RULES_EACH);
		random_call(&d, &w, pool);
		(void)world_decide(&w);
		slot_decisions(&w, before);
		ruleset_free(w.set);
		w.set = build(&rules, ~0u, order, RULES_EACH);
		(void)world_decide(&w);
		slot_decisions(&w, after);
		for (size_t i = 0; i < PARTS_EACH * EFFECTS_EACH; i++) {
			if (before[i] == DECISION_INVALID)
				continue;
			compared++;
			if (after[i] >= before[i])
				continue;
			looser++;
			if (!new_rule_covers(
				&w, id, i / EFFECTS_EACH, i % EFFECTS_EACH) &&
			    !rule_is_default(ruleset_find(w.set, id)))
				fail_msg("round %d: %s loosened effect %zu",
				    round, rules.line[added], i);
		}
		world_close(&w);
	}
	/* The property was put to the test: some rules did loosen. */
	assert_true(looser > 5);
	assert_true(compared > ROUNDS);
}

static void
a_floor_and_a_deny_only_ever_tighten(void **state)
{
	struct dice d = { .state = 99 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		AUTO(rules_done) struct rules_text rules = { 0 };
		struct effect pool[PARTS_EACH * EFFECTS_EACH];
		size_t order[RULES_EACH];
		enum decision with, without;
		unsigned mask = 0;
		struct world w;

		random_rules(&d, &rules);
		for (size_t i = 0; i < RULES_EACH; i++) {
			order[i] = i;
			if (strstr(rules.line[i], "floor: true") == NULL &&
			    strstr(rules.line[i], "decision: deny") == NULL &&
			    rules.layer[i] != LAYER_PROJECT)
				mask |= 1u << i;
		}
		start(&w);
		w.set = build(&rules, ~0u, order, RULES_EACH);
		random_call(&d, &w, pool);
		with = world_decide(&w);
		ruleset_free(w.set);
		w.set = build(&rules, mask, order, RULES_EACH);
		without = world_decide(&w);
		/* Defaults that deny take the place of "ask". */
		if (with < without)
			fail_msg("round %d: %s without, %s with", round,
			    decision_name(without), decision_name(with));
		world_close(&w);
	}
}

/* The same set, with its index and without. */
static void
the_index_finds_what_trying_every_rule_finds(void **state)
{
	struct dice d = { .state = 31337 };
	unsigned strict = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		AUTO(rules_done) struct rules_text rules = { 0 };
		struct effect pool[PARTS_EACH * EFFECTS_EACH];
		size_t order[RULES_EACH];
		struct rules_index *index;
		struct classification with;
		struct world w;

		random_rules(&d, &rules);
		for (size_t i = 0; i < RULES_EACH; i++)
			order[i] = i;
		start(&w);
		w.set = build(&rules, ~0u, order, RULES_EACH);
		for (int call = 0; call < 10; call++) {
			random_call(&d, &w, pool);
			(void)world_decide(&w);
			with = w.last;
			index = w.set->index;
			assert_non_null(index);
			w.set->index = NULL;
			(void)world_decide(&w);
			w.set->index = index;
			strict += with.decision > DECISION_ALLOW;
			if (with.decision != w.last.decision ||
			    strcmp(with.reason, w.last.reason) != 0)
				fail_msg("%s"
					 "round %d: %s with the index, %s "
					 "without: %s / %s",
				    rules.line[1], round,
				    decision_name(with.decision),
				    decision_name(w.last.decision), with.reason,
				    w.last.reason);
		}
		world_close(&w);
	}
	assert_true(strict > ROUNDS);
}

static enum tri
try_rule(struct world *w, const struct rule *r)
{
	struct match_input in = { .action = w->action,
		.part = &w->parts[0],
		.cmd = &w->commands[0],
		.runner = w->runner,
		.policy = w->policy };
	struct slots hits;

	match_input_prepare(&in);
	regex_runner_begin(w->runner);
	return rule_match(r, &in, &hits);
}

/* One pair on one call: 1 when the claim was put to the test. */
static unsigned
test_claim(struct world *w, const struct rule *a, const struct rule *b)
{
	if (try_rule(w, a) != TRI_YES)
		return 0;
	if (try_rule(w, b) == TRI_NO)
		fail_msg("%s matches '%s' and %s does not", a->id,
		    w->parts[0].text, b->id);
	return 1;
}

/* What the linter claims to have proved, against calls. */
static void
what_one_rule_is_said_to_imply_it_does_imply(void **state)
{
	struct dice d = { .state = 161803 };
	unsigned claims = 0, tested = 0;

	(void)state;
	for (int round = 0; round < ROUNDS * 4; round++) {
		AUTO(rules_done) struct rules_text rules = { 0 };
		struct effect pool[PARTS_EACH * EFFECTS_EACH];
		size_t order[RULES_EACH];
		struct world w;

		random_rules(&d, &rules);
		for (size_t i = 0; i < RULES_EACH; i++)
			order[i] = i;
		start(&w);
		w.set = build(&rules, ~0u, order, RULES_EACH);
		for (size_t i = 0; i < RULES_EACH * RULES_EACH; i++) {
			const struct rule *a = &w.set->rules[i % RULES_EACH];
			const struct rule *b = &w.set->rules[i / RULES_EACH];

			if (a == b || !rule_implies(a, b))
				continue;
			claims++;
			random_call(&d, &w, pool);
			tested += test_claim(&w, a, b);
		}
		world_close(&w);
	}
	assert_true(claims > 100);
	assert_true(tested > 10);
}

/* ---- what stands beside the set ------------------------------------------ */

/* Some rules as shadows, as texts that differ in nothing else. */
static unsigned
make_shadows(struct dice *d, struct rules_text *r)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < RULES_EACH; i++) {
		AUTO_BUF struct buf b = BUF_INIT(WORLD_ARENA);
		const size_t head = strlen("  - {");

		if (roll(d, 3) != 0)
			continue;
		mask |= 1u << i;
		buf_printf(&b, "  - {mode: shadow, %s", r->line[i] + head);
		free(r->line[i]);
		assert_int_equal(buf_take(&b, &r->line[i], NULL), 0);
	}
	return mask;
}

static void
a_shadow_never_changes_a_decision(void **state)
{
	struct dice d = { .state = 1848 };
	uint64_t judged = 0, moved = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		AUTO(rules_done) struct rules_text rules = { 0 };
		AUTO(rules_done) struct rules_text others = { 0 };
		enum decision before[PARTS_EACH * EFFECTS_EACH];
		enum decision after[PARTS_EACH * EFFECTS_EACH];
		struct effect pool[PARTS_EACH * EFFECTS_EACH];
		size_t order[RULES_EACH];
		struct shadow shadow = { .has_rules = true };
		struct classification first;
		struct world w;

		random_rules(&d, &rules);
		random_rules(&d, &others);
		for (size_t i = 0; i < RULES_EACH; i++)
			order[i] = i;
		const unsigned shadows = make_shadows(&d, &rules);

		start(&w);
		w.set = build(&rules, ~shadows, order, RULES_EACH);
		random_call(&d, &w, pool);
		(void)world_decide(&w);
		first = w.last;
		slot_decisions(&w, before);
		ruleset_free(w.set);
		w.set = build(&rules, ~0u, order, RULES_EACH);
		shadow.candidate = build(&others, ~0u, order, RULES_EACH);
		(void)world_decide(&w);
		const struct decide_options o = { .set = w.set,
			.runner = w.runner,
			.policy = w.policy,
			.reviewer = w.reviewer,
			.scratch = w.scratch };

		shadow_judge(
		    &shadow, &o, w.action, &w.fx, &w.last, w.action->arena);
		slot_decisions(&w, after);
		assert_memory_equal(before, after, sizeof(before));
		assert_int_equal(w.last.decision, first.decision);
		assert_string_equal(w.last.reason, first.reason);
		assert_int_equal(w.last.risk, first.risk);
		assert_int_equal(
		    w.last.profile.host_count, first.profile.host_count);
		for (int k = 0; k < SHADOW_KINDS; k++) {
			judged += shadow.counts[k].calls;
			moved += shadow.counts[k].next;
		}
		shadow_done(&shadow);
		world_close(&w);
	}
	/* The shadows did judge, and would have decided otherwise. */
	assert_int_equal(judged, 2 * ROUNDS);
	assert_true(moved > ROUNDS / 10);
}

static void
rules_of_a_repository_never_loosen(void **state)
{
	char problem[] = "they are broken";
	struct dice d = { .state = 1789 };
	unsigned stricter = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		AUTO(rules_done) struct rules_text rules = { 0 };
		AUTO(rules_done) struct rules_text own = { 0 };
		enum decision before[PARTS_EACH * EFFECTS_EACH];
		enum decision after[PARTS_EACH * EFFECTS_EACH];
		struct effect pool[PARTS_EACH * EFFECTS_EACH];
		size_t order[RULES_EACH];
		unsigned mask = 0;
		enum decision was;
		struct world w;

		random_rules(&d, &rules);
		random_rules(&d, &own);
		for (size_t i = 0; i < RULES_EACH; i++) {
			order[i] = i;
			if (own.layer[i] == LAYER_PROJECT)
				mask |= 1u << i;
		}
		start(&w);
		w.set = build(&rules, ~0u, order, RULES_EACH);
		random_call(&d, &w, pool);
		was = world_decide(&w);
		slot_decisions(&w, before);
		struct project_rules project = {
			.set = build(&own, mask, order, RULES_EACH),
		};
		const struct decide_options o = { .set = w.set,
			.runner = w.runner,
			.policy = w.policy,
			.reviewer = w.reviewer,
			.scratch = w.scratch,
			.project = &project };

		assert_int_equal(
		    decide(&o, w.action, &w.fx, w.action->arena, &w.last, NULL),
		    0);
		slot_decisions(&w, after);
		for (size_t i = 0; i < PARTS_EACH * EFFECTS_EACH; i++)
			assert_true(after[i] >= before[i]);
		assert_true(w.last.decision >= was);
		stricter += w.last.decision > was;
		/* What is broken asks, and never less than before. */
		project.problem = problem;
		assert_int_equal(
		    decide(&o, w.action, &w.fx, w.action->arena, &w.last, NULL),
		    0);
		assert_true(w.last.decision >= DECISION_ASK);
		assert_true(w.last.decision >= was);
		ruleset_free(project.set);
		world_close(&w);
	}
	assert_true(stricter > ROUNDS / 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_order_of_files_or_rules_changes_a_decision),
		cmocka_unit_test(
		    adding_a_rule_never_loosens_an_uncovered_effect),
		cmocka_unit_test(a_floor_and_a_deny_only_ever_tighten),
		cmocka_unit_test(a_shadow_never_changes_a_decision),
		cmocka_unit_test(rules_of_a_repository_never_loosen),
		cmocka_unit_test(the_index_finds_what_trying_every_rule_finds),
		cmocka_unit_test(what_one_rule_is_said_to_imply_it_does_imply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
