#ifndef RULES_CMD_RULES_H
#define RULES_CMD_RULES_H
/*
 * The verbs of "assent rules". Each is a command by itself, in its own file.
 * Exit status: 0 ok, 1 findings, 64 usage, 78 unreadable.
 */
#include "cmd_int.h"

extern const struct command rules_verb_check, rules_verb_test,
    rules_verb_coverage, rules_verb_explain, rules_verb_lint, rules_verb_fmt,
    rules_verb_diff, rules_verb_replay, rules_verb_suggest, rules_verb_import,
    rules_verb_keygen, rules_verb_bundle, rules_verb_sign, rules_verb_verify,
    rules_verb_install, rules_verb_fetch, rules_verb_schema,
    rules_verb_reference;

/* The rule folders that a verb got as operands and options. */
struct verb_rules {
	struct cmd_rules rules;
	const char **values;
	size_t rules_option; /* index of the option that repeats */
	bool bad;
};

/* Operands are folders of rules. False after a usage error (printed). */
bool verb_operands(const struct command *c, struct verb_rules *v, int first,
    int argc, char **argv);
/* Prints findings as text or, with json, as {"findings": [...]}. */
int verb_print_findings(const struct diags *d, bool json);
/* 0, EXIT_DENIED for findings, EXIT_CONFIG when files could not be read. */
int verb_status(const struct diags *d);
/* A new finding at an example of a test. */
void example_finding(struct diags *d, const struct example *ex,
    const char *code, const char *hint, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Is the rule, or file, one of those that the command was given? */
bool verb_is_subject(const struct cmd_rules *o, enum rule_layer layer);

/* ---- tests of rules (rule_tests.c) ------------------------------------- */

struct test_counts {
	size_t examples, scenarios, failed;
};

/* Runs the examples of the rules and the scenarios that are subjects. */
int rule_tests_run(struct classifier *c, const struct cmd_rules *o,
    struct diags *d, struct test_counts *ret, struct err *e);
/* An example as an action of /home/dev/proj. */
int example_action(
    const struct example *ex, struct action **ret, struct err *e);
/* Does the rule, as its conditions alone say, match the example? */
int example_matches(struct classifier *c, const struct rule *r,
    const struct example *ex, bool *ret, struct err *e);

#endif
