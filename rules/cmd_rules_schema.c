/*
 * assent rules schema and reference: the language, from the loader's table.
 * Runs in: assent.  Trusts: nothing from outside.  Owns: nothing.
 */
#include "cmd_rules.h"
#include "schema_doc.h"

static int run_schema(int argc, char **argv);
static int run_reference(int argc, char **argv);

const struct command rules_verb_schema = {
	.name = "rules schema",
	.summary = "Print the JSON Schema of rule files, for editors",
	.usage = "rules schema",
	.example = "assent rules schema > rules.schema.json",
	.run = run_schema,
};

const struct command rules_verb_reference = {
	.name = "rules reference",
	.summary = "Print the keys of rule files and what they mean",
	.usage = "rules reference",
	.example = "assent rules reference | less",
	.run = run_reference,
};

static int
print(const struct command *c, int argc, char **argv,
    void (*put)(struct buf *out))
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	int status = EXIT_OK;
	const int first =
	    command_parse(c, argc, argv, NULL, NULL, NULL, &status);

	if (first < 0)
		return status;
	if (first < argc)
		return command_usage_error(
		    c, "'%s' is one word too many", argv[first]);
	put(&out);
	return cmd_print(stdout, &out);
}

static int
run_schema(int argc, char **argv)
{
	return print(&rules_verb_schema, argc, argv, schema_json);
}

static int
run_reference(int argc, char **argv)
{
	return print(&rules_verb_reference, argc, argv, schema_reference);
}
