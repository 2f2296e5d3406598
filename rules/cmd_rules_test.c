/*
 * assent rules test and coverage: do rules match what they say they match,
 * and is every one of them tested?
 * Runs in: assent.  Trusts: nothing in the files.  Owns: nothing.
 */
#include "cmd_rules.h"

#include "base/num.h"
#include "sarif.h"

enum {
	OPT_JSON,
	OPT_THRESHOLD,
	OPT_NO_PACKS,
	OPT_DATA,
	OPT_COUNT_OF_COVERAGE,
	OPT_SARIF = OPT_COUNT_OF_COVERAGE,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_JSON] = { "--json", NULL, "the result as JSON" },
	[OPT_THRESHOLD] = { "--threshold", "PERCENT",
	    "fail when fewer rules have a match and a nomatch test" },
	[OPT_NO_PACKS] = { "--no-packs", NULL, "without the shipped packs" },
	[OPT_DATA] = { "--data", "DIR",
	    "packs and programs of DIR instead of the built-in ones" },
	[OPT_SARIF] = { "--sarif", NULL, "findings as SARIF 2.1.0" },
};

static int run_test(int argc, char **argv);
static int run_coverage(int argc, char **argv);

const struct command rules_verb_test = {
	.name = "rules test",
	.summary = "Run the tests that rule files carry",
	.usage = "rules test [OPTIONS] [DIR...]",
	.details = "Without DIR the tests of the shipped packs are run. A "
		   "test's script runs nowhere:\nit is judged, as a shell "
		   "script of /home/dev/proj.",
	.example = "assent rules test --threshold 100 .assent/rules",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run_test,
};

const struct command rules_verb_coverage = {
	.name = "rules coverage",
	.summary = "List the rules that lack tests",
	.usage = "rules coverage [OPTIONS] [DIR...]",
	.example = "assent rules coverage --threshold 90 /etc/assent/rules.d",
	.options = options,
	.option_count = OPT_COUNT_OF_COVERAGE,
	.run = run_coverage,
};

/* ---- coverage ---------------------------------------------------------- */

struct coverage {
	size_t rules, tested;
};

static bool
is_tested(const struct rule *r)
{
	return r->match.count > 0 && r->nomatch.count > 0;
}

static struct coverage
coverage_of(const struct ruleset *set, const struct cmd_rules *o)
{
	struct coverage cov = { 0 };

	for (size_t i = 0; i < set->rule_count; i++) {
		if (!verb_is_subject(o, set->rules[i].layer))
			continue;
		cov.rules++;
		cov.tested += is_tested(&set->rules[i]);
	}
	return cov;
}

static double
percent(const struct coverage *cov)
{
	return cov->rules == 0 ? 100
			       : 100 * (double)cov->tested / (double)cov->rules;
}

static const char *
what_is_missing(const struct rule *r)
{
	if (r->match.count == 0 && r->nomatch.count == 0)
		return "no tests";
	return r->match.count == 0 ? "no match test" : "no nomatch test";
}

static void
put_untested(
    const struct ruleset *set, const struct cmd_rules *o, struct buf *out)
{
	for (size_t i = 0; i < set->rule_count; i++) {
		const struct rule *r = &set->rules[i];

		if (verb_is_subject(o, r->layer) && !is_tested(r))
			buf_printf(out, "%s:%u: rule '%s' has %s\n", r->file,
			    r->line, r->id, what_is_missing(r));
	}
}

static void
put_untested_json(
    const struct ruleset *set, const struct cmd_rules *o, struct jsonw *w)
{
	jsonw_key(w, "untested");
	jsonw_array(w);
	for (size_t i = 0; i < set->rule_count; i++) {
		const struct rule *r = &set->rules[i];

		if (!verb_is_subject(o, r->layer) || is_tested(r))
			continue;
		jsonw_object(w);
		jsonw_kstr(w, "id", r->id);
		jsonw_kstr(w, "file", r->file);
		jsonw_kint(w, "line", r->line);
		jsonw_kstr(w, "missing", what_is_missing(r));
		jsonw_end(w);
	}
	jsonw_end(w);
}

static bool
below(const struct coverage *cov, const char *threshold)
{
	uint64_t n = 0;

	if (threshold == NULL)
		return false;
	return num_parse_u64(str_of(threshold), 0, 100, &n) != 0 ||
	    percent(cov) < (double)n;
}

/* ---- the verbs --------------------------------------------------------- */

struct session {
	const char *values[OPT_COUNT];
	struct verb_rules v;
	struct classifier *c;
};

static void
session_done(struct session *s)
{
	rules_classifier.close(s->c);
}

/* EXIT_OK, or the exit status. -1 in *ret_done: --help was shown. */
static int
start(const struct command *cmd, int argc, char **argv, struct session *s,
    bool *ret_done)
{
	int status = EXIT_OK;
	uint64_t n;
	const int first =
	    command_parse(cmd, argc, argv, s->values, NULL, NULL, &status);

	*ret_done = first < 0;
	if (first < 0)
		return status;
	if (!verb_operands(cmd, &s->v, first, argc, argv))
		return EXIT_USAGE;
	if (s->values[OPT_THRESHOLD] != NULL &&
	    num_parse_u64(str_of(s->values[OPT_THRESHOLD]), 0, 100, &n) != 0)
		return command_usage_error(
		    cmd, "--threshold takes a number from 0 to 100");
	s->v.rules.no_packs = s->values[OPT_NO_PACKS] != NULL;
	s->v.rules.data_dir = s->values[OPT_DATA];
	s->v.rules.policy = POLICY_ON_REQUEST;
	if (s->values[OPT_SARIF] != NULL)
		s->v.rules.sarif = "assent rules test";
	return cmd_open(&s->v.rules, s->values[OPT_JSON] != NULL, &s->c);
}

static int
print_test_json(struct session *s, const struct diags *d,
    const struct test_counts *n, const struct coverage *cov)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct jsonw w = jsonw_on(&out);

	(void)s;
	jsonw_object(&w);
	jsonw_kbool(&w, "ok", n->failed == 0);
	jsonw_kint(&w, "examples", (int64_t)n->examples);
	jsonw_kint(&w, "scenarios", (int64_t)n->scenarios);
	jsonw_kint(&w, "failed", (int64_t)n->failed);
	jsonw_kint(&w, "rules", (int64_t)cov->rules);
	jsonw_kint(&w, "tested_rules", (int64_t)cov->tested);
	jsonw_key(&w, "findings");
	diags_json(d, &w);
	jsonw_end(&w);
	buf_putc(&out, '\n');
	return cmd_print(stdout, &out);
}

static int
print_test(struct session *s, const struct diags *d,
    const struct test_counts *n, const struct coverage *cov)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);

	if (s->v.rules.sarif != NULL)
		return sarif_print(s->v.rules.sarif, d);
	if (s->values[OPT_JSON] != NULL)
		return print_test_json(s, d, n, cov);
	diags_print(d, &out);
	if (below(cov, s->values[OPT_THRESHOLD]))
		put_untested(s->c->set, &s->v.rules, &out);
	buf_printf(&out,
	    "%zu examples and %zu scenarios, %zu failed; %zu of %zu rules "
	    "have tests (%.1f %%)\n",
	    n->examples, n->scenarios, n->failed, cov->tested, cov->rules,
	    percent(cov));
	return cmd_print(stdout, &out);
}

static int
run_test(int argc, char **argv)
{
	AUTO(session_done) struct session s = { .c = NULL };
	AUTO(diags_freep) struct diags *d = diags_new();
	struct test_counts n;
	struct coverage cov;
	struct err e = ERR_INIT;
	bool done;
	int status = start(&rules_verb_test, argc, argv, &s, &done);

	if (done || status != EXIT_OK)
		return status;
	if (d == NULL || rule_tests_run(s.c, &s.v.rules, d, &n, &e) != 0)
		return cmd_fail("rules test", &e);
	cov = coverage_of(s.c->set, &s.v.rules);
	status = print_test(&s, d, &n, &cov);
	if (status != EXIT_OK)
		return status;
	return n.failed > 0 || below(&cov, s.values[OPT_THRESHOLD])
	    ? EXIT_DENIED
	    : EXIT_OK;
}

static int
run_coverage(int argc, char **argv)
{
	AUTO(session_done) struct session s = { .c = NULL };
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct jsonw w = jsonw_on(&out);
	struct coverage cov;
	bool done;
	int status = start(&rules_verb_coverage, argc, argv, &s, &done);

	if (done || status != EXIT_OK)
		return status;
	cov = coverage_of(s.c->set, &s.v.rules);
	if (s.values[OPT_JSON] != NULL) {
		jsonw_object(&w);
		jsonw_kint(&w, "rules", (int64_t)cov.rules);
		jsonw_kint(&w, "tested_rules", (int64_t)cov.tested);
		put_untested_json(s.c->set, &s.v.rules, &w);
		jsonw_end(&w);
		buf_putc(&out, '\n');
	} else {
		put_untested(s.c->set, &s.v.rules, &out);
		buf_printf(&out, "%zu of %zu rules have tests (%.1f %%)\n",
		    cov.tested, cov.rules, percent(&cov));
	}
	status = cmd_print(stdout, &out);
	if (status != EXIT_OK)
		return status;
	if (s.values[OPT_THRESHOLD] != NULL)
		return below(&cov, s.values[OPT_THRESHOLD]) ? EXIT_DENIED
							    : EXIT_OK;
	return cov.tested < cov.rules ? EXIT_DENIED : EXIT_OK;
}
