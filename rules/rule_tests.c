/*
 * The tests that rule files carry: examples of a rule, scenarios of a set.
 * Runs in: assent.  Trusts: nothing in the files.  Owns: nothing.
 */
#include <string.h>
#include <unistd.h>

#include "cmd_rules.h"
#include "model/json_in.h"

/* Where the calls of tests happen. */
static const struct cmd_place test_place = {
	.cwd = "/home/dev/proj",
	.workspace = "/home/dev/proj",
	.home = "/home/dev",
};

static char *
copy(struct arena *a, struct str s)
{
	return arena_strndup(a, s.s, s.len);
}

int
example_action(const struct example *ex, struct action **ret, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	int r;

	r = action_new(&a, e);
	if (r != 0)
		return r;
	if (ex->action != NULL) {
		r = cmd_action_json(str_of(ex->action), &test_place, a, e);
		if (r != 0)
			return r;
	} else {
		a->proposal.tool = TOOL_SHELL;
		a->proposal.input.script = copy(a->arena, ex->script);
		a->proposal.cwd = arena_strdup(a->arena, test_place.cwd);
		a->proposal.workspace =
		    arena_strdup(a->arena, test_place.workspace);
		a->proposer.home = arena_strdup(a->arena, test_place.home);
		a->proposal.executor = EXECUTOR_ASSENT;
		a->proposed_real_ns = cmd_now_ns();
		a->proposer.uid = getuid();
	}
	if (arena_failed(a->arena))
		return err_nomem(e);
	*ret = TAKE_PTR(a);
	return ERR_OK;
}

/* The first word of a mask, or the value that is usual. */
static unsigned
first_of(unsigned mask, unsigned usual)
{
	for (unsigned i = 1; i < 32; i++) {
		if ((mask & 1u << i) != 0)
			return i;
	}
	return usual;
}

/*
 * A rule for clients, or for one user, is tested as that client or user: the
 * examples are about the call.
 */
static void
take_circumstances(
    const struct rule *r, struct action *a, struct match_input *in)
{
	const struct cond *c = &r->when;

	in->policy =
	    (enum approval_policy)first_of(c->policies, POLICY_ON_REQUEST);
	a->proposal.executor =
	    (enum executor_kind)first_of(c->executors, EXECUTOR_ASSENT);
	if (c->users.count > 0)
		a->proposer.uid = c->users.v[0];
	if (c->agents.count > 0 && a->proposal.agent_name == NULL)
		a->proposal.agent_name = copy(a->arena, c->agents.v[0].text);
	if (c->sessions.count > 0 && a->proposal.session == NULL)
		a->proposal.session = copy(a->arena, c->sessions.v[0].text);
}

static bool
matches_some_part(
    const struct rule *r, struct match_input *in, const struct effects *fx)
{
	for (size_t i = 0; i < fx->count; i++) {
		struct slots hits;
		enum tri t;

		in->part = &fx->parts[i];
		in->cmd = &fx->commands[i];
		match_input_prepare(in);
		t = rule_match(r, in, &hits);
		if (t == TRI_YES ||
		    (t == TRI_MAYBE && r->decision != DECISION_ALLOW))
			return true;
	}
	return false;
}

int
example_matches(struct classifier *c, const struct rule *r,
    const struct example *ex, bool *ret, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	struct rule bare = *r;
	struct match_input in = { .runner = c->runner };
	json_auto_t *args = NULL;
	struct effects fx;
	int rc;

	rc = example_action(ex, &a, e);
	if (rc == 0)
		rc = effects_of(c->programs, a, a->arena, &fx, e);
	if (rc != 0)
		return rc;
	bare.mode = MODE_ENFORCE;
	bare.disabled = false;
	bare.rollout = NULL;
	bare.expires_real_ns = 0;
	in.action = a;
	take_circumstances(r, a, &in);
	if (a->proposal.input.mcp_args != NULL)
		(void)json_in(str_of(a->proposal.input.mcp_args), &args, NULL);
	in.args = args;
	regex_runner_begin(c->runner);
	*ret = matches_some_part(&bare, &in, &fx);
	return ERR_OK;
}

/* A failing example that is no valid action is a finding, too. */
static int
run_example(struct classifier *c, const struct rule *r,
    const struct example *ex, bool want, struct diags *d)
{
	struct err e = ERR_INIT;
	bool got = false;
	const int rc = example_matches(c, r, ex, &got, &e);

	if (rc == ERR_NOMEM)
		return rc;
	if (rc != 0)
		example_finding(d, ex, "T004", NULL, "%s", e.msg);
	else if (want && !got)
		example_finding(d, ex, "T001",
		    "'assent rules explain' shows which condition fails",
		    "rule '%s' does not match this", r->id);
	else if (!want && got)
		example_finding(d, ex, "T002", NULL,
		    "rule '%s' matches this, and should not", r->id);
	return ERR_OK;
}

static int
run_examples(struct classifier *c, const struct rule *r, struct diags *d,
    struct test_counts *counts)
{
	int rc = ERR_OK;

	for (size_t i = 0; i < r->match.count && rc == 0; i++)
		rc = run_example(c, r, &r->match.v[i], true, d);
	for (size_t i = 0; i < r->nomatch.count && rc == 0; i++)
		rc = run_example(c, r, &r->nomatch.v[i], false, d);
	counts->examples += r->match.count + r->nomatch.count;
	return rc;
}

/* ---- scenarios --------------------------------------------------------- */

static bool
some_rule_is(const struct classification *c, const char *id)
{
	for (size_t i = 0; i < c->part_count; i++) {
		for (size_t k = 0; k < c->parts[i].rule_count; k++) {
			const struct rule_ref *r = &c->parts[i].rules[k];

			if (strcmp(r->id, id) == 0 &&
			    r->decision == c->decision)
				return true;
		}
	}
	return false;
}

static void
compare_scenario(
    const struct scenario *s, const struct classification *c, struct diags *d)
{
	const char *by = c->rule.id;

	if (c->decision != s->decision)
		example_finding(d, &s->call, "T003",
		    "'assent check --explain' shows how that came",
		    "this is %s%s%s, not %s", decision_name(c->decision),
		    by == NULL ? " by default" : " by ", by == NULL ? "" : by,
		    decision_name(s->decision));
	else if (s->rule != NULL && !some_rule_is(c, s->rule))
		example_finding(d, &s->call, "T003", NULL,
		    "this is %s, but not by '%s'", decision_name(c->decision),
		    s->rule);
}

static int
run_scenario(struct classifier *c, const struct scenario *s, struct diags *d)
{
	AUTO(action_freep) struct action *a = NULL;
	const enum approval_policy policy = c->policy;
	struct err e = ERR_INIT;
	int rc = example_action(&s->call, &a, &e);

	if (rc == ERR_NOMEM)
		return rc;
	if (rc != 0) {
		example_finding(d, &s->call, "T004", NULL, "%s", e.msg);
		return ERR_OK;
	}
	if (s->executor != EXECUTOR_INVALID)
		a->proposal.executor = s->executor;
	c->policy = s->policy == POLICY_INVALID ? POLICY_ON_REQUEST : s->policy;
	rc = rules_classifier.classify(c, a, a->arena, &a->classification, &e);
	c->policy = policy;
	if (rc == 0)
		compare_scenario(s, &a->classification, d);
	return rc;
}

int
rule_tests_run(struct classifier *c, const struct cmd_rules *o, struct diags *d,
    struct test_counts *ret, struct err *e)
{
	const struct ruleset *set = c->set;
	int rc = ERR_OK;

	*ret = (struct test_counts){ 0 };
	for (size_t i = 0; i < set->rule_count && rc == 0; i++) {
		if (verb_is_subject(o, set->rules[i].layer))
			rc = run_examples(c, &set->rules[i], d, ret);
	}
	for (size_t i = 0; i < set->file_count && rc == 0; i++) {
		const struct rule_file *f = &set->files[i];

		if (!verb_is_subject(o, f->layer))
			continue;
		for (size_t k = 0; k < f->scenario_count && rc == 0; k++)
			rc = run_scenario(c, &f->scenarios[k], d);
		ret->scenarios += f->scenario_count;
	}
	ret->failed = diags_errors(d);
	return rc != 0 ? err_nomem(e) : ERR_OK;
}
