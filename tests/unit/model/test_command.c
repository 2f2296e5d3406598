/*
 * Options of subcommands: what is taken, and that nothing is guessed.
 * Runs in: the tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/command.h"

static const struct command_option options[] = {
	{ "--policy", "untrusted|on-request|never", "the approval policy" },
	{ "--rules", "DIR", "more rules" },
	{ "--json", NULL, "for machines" },
};

enum option {
	OPT_POLICY,
	OPT_RULES,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command command = {
	.name = "check",
	.summary = "Judge a command",
	.usage = "check [OPTIONS] -- CMD...",
	.options = options,
	.option_count = ARRAY_LEN(options),
};

struct parsed {
	const char *values[OPT_COUNT];
	int at, status;
	char shown[4096]; /* what went to stdout and stderr */
};

/* What fn(ctx) writes to fd 1 and 2. */
static void
parse_into(struct parsed *p, char **argv, command_value_fn *fn, void *ctx)
{
	FILE *tmp = tmpfile();
	const int out = dup(1), err = dup(2);
	int argc = 0;
	ssize_t n;

	assert_non_null(tmp);
	while (argv[argc] != NULL)
		argc++;
	fflush(stdout);
	dup2(fileno(tmp), 1);
	dup2(fileno(tmp), 2);
	p->status = -1;
	p->at =
	    command_parse(&command, argc, argv, p->values, fn, ctx, &p->status);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	n = pread(fileno(tmp), p->shown, sizeof(p->shown) - 1, 0);
	assert_true(n >= 0);
	p->shown[n] = '\0';
	fclose(tmp);
}

#define PARSE(p, ...)                                                          \
	parse_into(p, (char *[]){ (char[]){ "check" }, __VA_ARGS__, NULL },    \
	    NULL, NULL)
#define W(s) ((char[]){ s })

static void
options_end_at_the_first_operand(void **state)
{
	struct parsed p = { 0 };

	(void)state;
	PARSE(&p, W("--json"), W("ls"), W("--rules"), W("x"));
	assert_int_equal(p.at, 2);
	assert_string_equal(p.values[OPT_JSON], "--json");
	assert_null(p.values[OPT_RULES]);
}

static void
two_dashes_end_the_options(void **state)
{
	struct parsed p = { 0 };

	(void)state;
	PARSE(&p, W("--policy"), W("never"), W("--"), W("--json"));
	assert_int_equal(p.at, 4);
	assert_string_equal(p.values[OPT_POLICY], "never");
	assert_null(p.values[OPT_JSON]);
}

static void
a_value_may_be_joined_by_an_equals_sign(void **state)
{
	struct parsed p = { 0 };

	(void)state;
	PARSE(&p, W("--rules=a=b"));
	assert_int_equal(p.at, 2);
	assert_string_equal(p.values[OPT_RULES], "a=b");
}

static void
refused(const char *says, char **argv)
{
	struct parsed p = { 0 };

	parse_into(&p, argv, NULL, NULL);
	assert_int_equal(p.at, -1);
	assert_int_equal(p.status, EXIT_USAGE);
	assert_non_null(strstr(p.shown, says));
	assert_non_null(strstr(p.shown, "assent check --help"));
}

static void
wrong_options_are_refused_with_a_reason(void **state)
{
	(void)state;
	refused("unknown option '--polcy'; did you mean '--policy'?",
	    (char *[]){ W("check"), W("--polcy"), W("never"), NULL });
	refused("takes one of untrusted|on-request|never, not 'sometimes'",
	    (char *[]){ W("check"), W("--policy=sometimes"), NULL });
	refused("takes one of", (char *[]){ W("check"), W("--policy="), NULL });
	refused("'--rules' needs a value",
	    (char *[]){ W("check"), W("--rules"), NULL });
	refused("'--json' takes no value",
	    (char *[]){ W("check"), W("--json=yes"), NULL });
	refused("'--rules' is given twice",
	    (char *[]){ W("check"), W("--rules=a"), W("--rules=b"), NULL });
}

static void
i8_hostile_arguments_are_shown_inert(void **state)
{
	struct parsed p = { 0 };

	(void)state;
	PARSE(&p, W("--\x1b[2J\x1b]0;owned\x07"));
	assert_int_equal(p.status, EXIT_USAGE);
	assert_null(strchr(p.shown, 0x1b));
	assert_null(strchr(p.shown, 0x07));
	assert_non_null(strstr(p.shown, "\\x1b[2J"));
}

static void
help_names_every_option(void **state)
{
	struct parsed p = { 0 };

	(void)state;
	PARSE(&p, W("--help"));
	assert_int_equal(p.at, -1);
	assert_int_equal(p.status, EXIT_OK);
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		assert_non_null(strstr(p.shown, options[i].name));
}

struct counted {
	unsigned rules;
	const char *last;
};

static void
count_value(void *ctx, size_t option, const char *value)
{
	struct counted *c = ctx;

	if (option == OPT_RULES) {
		c->rules++;
		c->last = value;
	}
}

static void
repeated_options_reach_their_function(void **state)
{
	struct parsed p = { 0 };
	struct counted c = { 0 };

	(void)state;
	parse_into(&p,
	    (char *[]){
		W("check"), W("--rules=a"), W("--rules"), W("b"), NULL },
	    count_value, &c);
	assert_int_equal(p.at, 4);
	assert_int_equal(c.rules, 2);
	assert_string_equal(c.last, "b");
}

static void
words_may_stand_before_and_behind_options(void **state)
{
	char *orders[][5] = {
		{ W("check"), W("a"), W("--rules"), W("b"), W("c") },
		{ W("check"), W("--rules"), W("b"), W("a"), W("c") },
		{ W("check"), W("a"), W("c"), W("--rules=b"), W("--") },
	};
	const char *values[ARRAY_LEN(options)] = { NULL };
	char *words[2];
	const struct command_words to = { .words = words, .max = 2 };
	int status = EXIT_OK;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		values[OPT_RULES] = NULL;
		assert_int_equal(command_parse_words(&command, 5, orders[i],
				     values, &to, &status),
		    2);
		assert_string_equal(words[0], "a");
		assert_string_equal(words[1], "c");
		assert_string_equal(values[OPT_RULES], "b");
	}
}

static void
words_behind_two_dashes_are_no_options(void **state)
{
	char *line[] = { W("check"), W("a"), W("--"), W("--rules"), W("x") };
	const char *values[ARRAY_LEN(options)] = { NULL };
	char *words[3];
	int status = EXIT_OK;

	(void)state;
	assert_int_equal(command_parse_words(&command, 5, line, values,
			     &(struct command_words){ words, 3 }, &status),
	    3);
	assert_string_equal(words[1], "--rules");
	assert_null(values[OPT_RULES]);
	assert_int_equal(command_parse_words(&command, 5, line, values,
			     &(struct command_words){ words, 2 }, &status),
	    -1);
	assert_int_equal(status, EXIT_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_end_at_the_first_operand),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(a_value_may_be_joined_by_an_equals_sign),
		cmocka_unit_test(wrong_options_are_refused_with_a_reason),
		cmocka_unit_test(i8_hostile_arguments_are_shown_inert),
		cmocka_unit_test(help_names_every_option),
		cmocka_unit_test(words_may_stand_before_and_behind_options),
		cmocka_unit_test(words_behind_two_dashes_are_no_options),
		cmocka_unit_test(repeated_options_reach_their_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
