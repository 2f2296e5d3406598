/*
 * assent rules lint: what is suspicious about rules that load.
 * Runs in: assent.  Trusts: nothing in the files.  Owns: nothing.
 */
#include "lint.h"
#include "sarif.h"

enum {
	OPT_JSON,
	OPT_SARIF,
	OPT_NO_PACKS,
	OPT_DATA,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_JSON] = { "--json", NULL, "findings as JSON" },
	[OPT_SARIF] = { "--sarif", NULL, "findings as SARIF 2.1.0" },
	[OPT_NO_PACKS] = { "--no-packs", NULL, "without the shipped packs" },
	[OPT_DATA] = { "--data", "DIR",
	    "packs and programs of DIR instead of the built-in ones" },
};

static int run(int argc, char **argv);

const struct command rules_verb_lint = {
	.name = "rules lint",
	.summary = "Find rules that are useless, too broad, slow or forgotten",
	.usage = "rules lint [OPTIONS] [DIR...]",
	.details =
	    "Duplicate, subsumed and shadowed rules are proved from their "
	    "conditions; where\ntwo rules meet, a call of their tests shows "
	    "it. Regexes are looked at, and tried\non texts made to slow "
	    "them. Without DIR the shipped packs are linted.",
	.example = "assent rules lint /etc/assent/rules.d",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};

static int
run(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct verb_rules v = { .rules = { .policy = POLICY_ON_REQUEST } };
	AUTO(cmd_closep) struct classifier *c = NULL;
	AUTO(diags_freep) struct diags *d = diags_new();
	int status = EXIT_OK;
	const int first = command_parse(
	    &rules_verb_lint, argc, argv, values, NULL, NULL, &status);

	if (first < 0)
		return status;
	if (d == NULL)
		return EXIT_INTERNAL;
	if (!verb_operands(&rules_verb_lint, &v, first, argc, argv))
		return EXIT_USAGE;
	v.rules.no_packs = values[OPT_NO_PACKS] != NULL;
	v.rules.data_dir = values[OPT_DATA];
	if (values[OPT_SARIF] != NULL)
		v.rules.sarif = "assent rules lint";
	status = cmd_open(&v.rules, values[OPT_JSON] != NULL, &c);
	if (status != EXIT_OK)
		return status;
	lint_overlaps(c, &v.rules, d);
	lint_breadth(c, &v.rules, d);
	lint_regexes(c, &v.rules, d);
	lint_hygiene(c, &v.rules, d, cmd_now_ns());
	status = v.rules.sarif != NULL
	    ? sarif_print(v.rules.sarif, d)
	    : verb_print_findings(d, values[OPT_JSON] != NULL);
	if (status != EXIT_OK)
		return status;
	return diags_count(d) > 0 ? EXIT_DENIED : EXIT_OK;
}
