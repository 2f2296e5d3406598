/*
 * assent rules check: every error of rule files at once, with its place.
 * Runs in: assent.  Trusts: nothing in the files.  Owns: nothing.
 */
#include "cmd_rules.h"

#include "base/text.h"
#include "sarif.h"

enum {
	OPT_JSON,
	OPT_SARIF,
	OPT_STRICT,
	OPT_OWNER,
	OPT_NO_PACKS,
	OPT_DATA,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_JSON] = { "--json", NULL, "findings as JSON" },
	[OPT_SARIF] = { "--sarif", NULL, "findings as SARIF 2.1.0" },
	[OPT_STRICT] = { "--strict", NULL, "a warning is a finding, too" },
	[OPT_OWNER] = { "--check-owner", NULL,
	    "refuse files that others may write, as the daemon does" },
	[OPT_NO_PACKS] = { "--no-packs", NULL, "without the shipped packs" },
	[OPT_DATA] = { "--data", "DIR",
	    "packs of DIR instead of the built-in ones" },
};

static int run(int argc, char **argv);

const struct command rules_verb_check = {
	.name = "rules check",
	.summary = "Find every error of rule files at once",
	.usage = "rules check [OPTIONS] [DIR...]",
	.details = "Without DIR the shipped packs are checked.",
	.example = "assent rules check /etc/assent/rules.d",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};

static void
put_summary(const struct ruleset *set, struct buf *out)
{
	buf_printf(out, "%zu rules in %zu files, digest ", set->rule_count,
	    set->file_count);
	text_hex(out, set->digest, SHA256_LEN);
	buf_putc(out, '\n');
}

static int
print_json(const struct diags *d, const struct ruleset *set)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct jsonw w = jsonw_on(&out);

	jsonw_object(&w);
	jsonw_kbool(&w, "ok", set != NULL);
	jsonw_kint(&w, "rules", set == NULL ? 0 : (int64_t)set->rule_count);
	jsonw_kint(&w, "files", set == NULL ? 0 : (int64_t)set->file_count);
	jsonw_key(&w, "rules_sha256");
	if (set == NULL)
		jsonw_null(&w);
	else
		jsonw_hex(&w, set->digest, SHA256_LEN);
	jsonw_key(&w, "findings");
	diags_json(d, &w);
	jsonw_end(&w);
	buf_putc(&out, '\n');
	return cmd_print(stdout, &out);
}

static int
print_text(const struct diags *d, const struct ruleset *set)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);

	diags_print(d, &out);
	if (set != NULL)
		put_summary(set, &out);
	else
		buf_printf(&out, "%zu error%s; nothing is loaded\n",
		    diags_errors(d), diags_errors(d) == 1 ? "" : "s");
	return cmd_print(stdout, &out);
}

static int
run(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct verb_rules v = { .values = values };
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO(ruleset_freep) struct ruleset *set = NULL;
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int first = command_parse(
	    &rules_verb_check, argc, argv, values, NULL, NULL, &status);

	if (first < 0)
		return status;
	if (d == NULL ||
	    !verb_operands(&rules_verb_check, &v, first, argc, argv))
		return d == NULL ? EXIT_INTERNAL : EXIT_USAGE;
	const struct ruleset_options o = {
		.dirs = v.rules.dirs,
		.dir_count = v.rules.dir_count,
		.no_packs = values[OPT_NO_PACKS] != NULL,
		.data_dir = values[OPT_DATA],
		.check_owner = values[OPT_OWNER] != NULL,
	};
	const int r = ruleset_load(&o, d, &set, &e);

	if (r != 0 && diags_errors(d) == 0)
		return cmd_fail("rules check", &e);
	if (values[OPT_SARIF] != NULL)
		status = sarif_print("assent rules check", d);
	else if (values[OPT_JSON] != NULL)
		status = print_json(d, set);
	else
		status = print_text(d, set);
	if (status != EXIT_OK)
		return status;
	if (values[OPT_STRICT] != NULL && diags_count(d) > 0)
		return EXIT_DENIED;
	return verb_status(d);
}
