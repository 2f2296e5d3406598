/*
 * assent rules: check, test and understand rule files.
 * Runs in: assent.  Trusts: nothing in the files.  Owns: nothing.
 */
#include "cmd_rules.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

static int run_rules(int argc, char **argv);

const struct command command_rules = {
	.name = "rules",
	.summary = "Check, test and understand rule files",
	.usage = "rules check|test|coverage|lint|explain|diff|replay|"
		 "suggest|import|fmt|"
		 "shadow|rollback|off|keygen|bundle|sign|verify|"
		 "install|fetch|"
		 "schema|reference [OPTIONS] [DIR...]",
	.details =
	    "Of files, without a daemon:\n"
	    "check      every error at once\n"
	    "test       run the tests that they carry\n"
	    "coverage   which rules lack tests\n"
	    "lint       rules that are useless, too broad or slow\n"
	    "explain    which rules were tried on a command, what failed\n"
	    "diff       what differs between two folders of rules\n"
	    "replay     judge recorded calls by two folders of rules\n"
	    "suggest    rules from what people approved\n"
	    "import     rules of Codex, Gemini CLI or Claude Code\n"
	    "fmt        one layout, comments kept\n"
	    "schema     a JSON Schema for editors\n"
	    "reference  the keys of rule files and what they mean\n\n"
	    "Of a running daemon, for who may write its state folder:\n"
	    "shadow     what shadow rules, or a candidate, would decide\n"
	    "off        switch a rule off; --on switches it on again\n"
	    "rollback   go back to a set of rules that was in force\n\n"
	    "For many machines:\n"
	    "keygen     keys that sign; bundle, sign: make one signed file\n"
	    "verify     a signed file; install, fetch: put it in place\n\n"
	    "'assent rules check --help' tells more about one. Folders are "
	    "of the organisation's\nlayer, unless they are given as "
	    "LAYER=DIR (requirements, organisation, project,\nuser, pack). "
	    "Exit status: 0 ok, 1 findings, 64 usage, 78 files that cannot "
	    "be read.",
	.example = "assent rules test .assent/rules",
	.run = run_rules,
};

static const struct command *const verbs[] = {
	&rules_verb_check,
	&rules_verb_test,
	&rules_verb_coverage,
	&rules_verb_explain,
	&rules_verb_lint,
	&rules_verb_diff,
	&rules_verb_replay,
	&rules_verb_suggest,
	&rules_verb_import,
	&rules_verb_bundle,
	&rules_verb_keygen,
	&rules_verb_sign,
	&rules_verb_verify,
	&rules_verb_install,
	&rules_verb_fetch,
	&rules_verb_fmt,
	&rules_verb_schema,
	&rules_verb_reference,
};

static int
unknown_verb(const char *name)
{
	const char *names[ARRAY_LEN(verbs)];
	const char *nearest;

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		names[i] = verbs[i]->name + strlen("rules ");
	nearest = text_nearest(str_of(name), names, ARRAY_LEN(names));
	if (nearest != NULL)
		return command_usage_error(&command_rules,
		    "unknown verb '%s'; did you mean '%s'?", name, nearest);
	return command_usage_error(&command_rules, "unknown verb '%s'", name);
}

static int
run_rules(int argc, char **argv)
{
	int status = EXIT_OK;
	const int first = command_parse(
	    &command_rules, argc, argv, NULL, NULL, NULL, &status);

	if (first < 0)
		return status;
	if (first >= argc)
		return command_usage_error(&command_rules,
		    "say what to do: check, test, lint, explain, diff, replay "
		    "or "
		    "another of --help");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(argv[first], verbs[i]->name + strlen("rules ")) == 0)
			return verbs[i]->run(argc - first, argv + first);
	}
	return unknown_verb(argv[first]);
}

/* ---- what verbs share -------------------------------------------------- */

bool
verb_operands(const struct command *c, struct verb_rules *v, int first,
    int argc, char **argv)
{
	for (int i = first; i < argc; i++) {
		if (!cmd_add_dir(&v->rules, argv[i])) {
			(void)command_usage_error(
			    c, "at most %d folders of rules", CMD_DIRS_MAX);
			return false;
		}
	}
	return true;
}

int
verb_print_findings(const struct diags *d, bool json)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct jsonw w = jsonw_on(&out);

	if (!json) {
		diags_print(d, &out);
		return cmd_print(stdout, &out);
	}
	jsonw_object(&w);
	jsonw_key(&w, "findings");
	diags_json(d, &w);
	jsonw_end(&w);
	buf_putc(&out, '\n');
	return cmd_print(stdout, &out);
}

int
verb_status(const struct diags *d)
{
	for (size_t i = 0; i < diags_count(d); i++) {
		const char *code = diags_at(d, i)->code;

		if (code != NULL &&
		    (strcmp(code, "E040") == 0 || strcmp(code, "E041") == 0))
			return EXIT_CONFIG;
	}
	return diags_errors(d) > 0 ? EXIT_DENIED : EXIT_OK;
}

void
example_finding(struct diags *d, const struct example *ex, const char *code,
    const char *hint, const char *fmt, ...)
{
	char message[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	diag_add(d,
	    &(struct diag){ .code = code,
		.file = ex->file,
		.line = ex->line,
		.col = ex->col,
		.width = ex->width,
		.source = ex->source,
		.hint = hint },
	    "%s", message);
}

/* Without folders the packs are what is looked at, else the folders. */
bool
verb_is_subject(const struct cmd_rules *o, enum rule_layer layer)
{
	if (o->dir_count == 0)
		return layer == LAYER_PACK;
	for (size_t i = 0; i < o->dir_count; i++) {
		if (o->dirs[i].layer == layer)
			return true;
	}
	return false;
}
