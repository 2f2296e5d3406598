/*
 * The shipped policy over everyday and hostile commands (tests/data/policy):
 * what is allowed, asked and denied, and that text around a command, another
 * executor or another policy never makes it looser.
 * Runs in: tests.  Trusts: nothing.  Owns: one classifier.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/fdio.h"
#include "core/ports.h"

#define ARENA_MAX ((size_t)64 << 20)
#define LINE_MAX_BYTES 2000
#define SCRIPT_BYTES 8000

static struct classifier *classifiers[POLICY_NEVER + 1];

static int
setup(void **state)
{
	(void)state;
	for (int p = POLICY_UNTRUSTED; p <= POLICY_NEVER; p++) {
		const struct classifier_options o = {
			.policy = (enum approval_policy)p
		};

		if (rules_classifier.open(&o, NULL, &classifiers[p], NULL) != 0)
			return -1;
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (int p = POLICY_UNTRUSTED; p <= POLICY_NEVER; p++)
		rules_classifier.close(classifiers[p]);
	return 0;
}

struct how {
	enum approval_policy policy;
	enum executor_kind executor;
};

static const struct how usual = { POLICY_ON_REQUEST, EXECUTOR_ASSENT };

static enum decision
judge(const char *script, struct how how)
{
	AUTO(action_freep) struct action *a = NULL;
	AUTO(arena_freep) struct arena *arena = arena_new(ARENA_MAX);
	struct classification c = { 0 };

	assert_non_null(arena);
	assert_int_equal(action_new(&a, NULL), 0);
	a->proposal.tool = TOOL_SHELL;
	a->proposal.executor = how.executor;
	a->proposal.input.script = arena_strdup(a->arena, script);
	a->proposal.cwd = arena_strdup(a->arena, "/home/dev/proj");
	a->proposal.workspace = arena_strdup(a->arena, "/home/dev/proj");
	a->proposer.home = arena_strdup(a->arena, "/home/dev");
	assert_int_equal(rules_classifier.classify(
			     classifiers[how.policy], a, arena, &c, NULL),
	    0);
	return c.decision;
}

typedef void line_fn(const char *line, void *ctx);

static size_t
each_line(const char *name, line_fn *fn, void *ctx)
{
	AUTO_BUF struct buf b = BUF_INIT(1 << 20);
	char path[400], line[LINE_MAX_BYTES];
	struct str rest;
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "%s/tests/data/policy/%s.txt",
	    TEST_SOURCE_DIR, name);
	assert_int_equal(fdio_read_file(path, &b, NULL), 0);
	rest = buf_str(&b);
	while (rest.len > 0) {
		const struct str l = str_cut(&rest, '\n');

		if (l.len == 0 || l.s[0] == '#')
			continue;
		assert_true(l.len < sizeof(line));
		(void)snprintf(line, sizeof(line), "%.*s", STR_ARG(l));
		fn(line, ctx);
		n++;
	}
	return n;
}

struct expect {
	enum decision least, most;
	struct how how;
	const char *format; /* text around the command, or NULL */
	size_t failed;
};

static void
check_line(const char *line, void *ctx)
{
	struct expect *x = ctx;
	char script[SCRIPT_BYTES];
	enum decision d;

	/* The format is one of this file's own. */
	if (x->format != NULL) {
		const char *at = strstr(x->format, "%s");

		(void)snprintf(script, sizeof(script), "%.*s%s%s",
		    (int)(at - x->format), x->format, line, at + 2);
	} else {
		(void)snprintf(script, sizeof(script), "%s", line);
	}
	d = judge(script, x->how);
	if (d >= x->least && d <= x->most)
		return;
	print_message("%s: %s\n", decision_name(d), script);
	x->failed++;
}

static void
expect_lines(const char *name, struct expect x, size_t at_least)
{
	assert_true(each_line(name, check_line, &x) >= at_least);
	assert_int_equal(x.failed, 0);
}

static void
everyday_work_is_allowed(void **state)
{
	(void)state;
	expect_lines("allow",
	    (struct expect){
		.least = DECISION_ALLOW, .most = DECISION_ALLOW, .how = usual },
	    500);
}

static void
what_others_see_or_is_lost_is_asked(void **state)
{
	(void)state;
	expect_lines("ask",
	    (struct expect){
		.least = DECISION_ASK, .most = DECISION_DENY, .how = usual },
	    300);
}

static void
what_is_not_understood_waits_whoever_runs_it(void **state)
{
	(void)state;
	for (int e = EXECUTOR_ASSENT; e <= EXECUTOR_CLIENT; e++)
		expect_lines("review",
		    (struct expect){ .least = DECISION_REVIEW,
			.most = DECISION_DENY,
			.how = { POLICY_ON_REQUEST, (enum executor_kind)e } },
		    30);
}

static void
what_no_agent_needs_is_denied(void **state)
{
	(void)state;
	expect_lines("deny",
	    (struct expect){
		.least = DECISION_DENY, .most = DECISION_DENY, .how = usual },
	    200);
}

static void
text_around_a_command_never_makes_it_an_allow(void **state)
{
	static const char *const around[] = { "true && %s", "(%s\n)", "{ %s\n}",
		"%s\n# done", "ls; %s", "if true; then %s\nfi", "! %s",
		"cd src; cd ..; %s", "for i in 1 2; do %s\ndone",
		"make test; %s", "cat <<'EOF'\nx\nEOF\n%s" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(around); i++) {
		const struct expect x = { .least = DECISION_REVIEW,
			.most = DECISION_DENY,
			.how = usual,
			.format = around[i] };

		expect_lines("ask", x, 300);
		expect_lines("deny", x, 200);
	}
}

static void
a_deletion_behind_everyday_work_is_never_allowed(void **state)
{
	(void)state;
	expect_lines("allow",
	    (struct expect){ .least = DECISION_REVIEW,
		.most = DECISION_DENY,
		.how = usual,
		.format = "%s\nrm -rf ~" },
	    500);
}

static void
never_denies_what_would_be_asked(void **state)
{
	(void)state;
	expect_lines("ask",
	    (struct expect){ .least = DECISION_DENY,
		.most = DECISION_DENY,
		.how = { POLICY_NEVER, EXECUTOR_ASSENT } },
	    300);
}

static void
untrusted_and_clients_are_never_looser(void **state)
{
	static const struct how hows[] = {
		{ POLICY_UNTRUSTED, EXECUTOR_ASSENT },
		{ POLICY_UNTRUSTED, EXECUTOR_CLIENT },
		{ POLICY_ON_REQUEST, EXECUTOR_CLIENT },
		{ POLICY_NEVER, EXECUTOR_CLIENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
		expect_lines("ask",
		    (struct expect){ .least = DECISION_ASK,
			.most = DECISION_DENY,
			.how = hows[i] },
		    300);
		expect_lines("deny",
		    (struct expect){ .least = DECISION_DENY,
			.most = DECISION_DENY,
			.how = hows[i] },
		    200);
	}
}

static void
a_client_that_runs_calls_itself_is_asked_about_code_and_writes(void **state)
{
	static const struct how client = { POLICY_ON_REQUEST, EXECUTOR_CLIENT };
	static const char *const asked[] = { "make test", "python3 -c 'x'",
		"./scripts/x.sh", "echo x > a", "rm -rf build", "npm test" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		assert_true(judge(asked[i], client) >= DECISION_ASK);
	assert_int_equal(judge("cat README.md", client), DECISION_ALLOW);
	assert_int_equal(judge("git status", client), DECISION_ALLOW);
}

static void
untrusted_allows_only_reads(void **state)
{
	static const struct how untrusted = { POLICY_UNTRUSTED,
		EXECUTOR_ASSENT };
	static const char *const asked[] = { "make", "echo x > a", "touch a",
		"node -e 1", "rm -rf build", "curl https://example.com",
		"frobnicate" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		assert_true(judge(asked[i], untrusted) >= DECISION_ASK);
	assert_int_equal(judge("cat README.md", untrusted), DECISION_ALLOW);
	assert_int_equal(
	    judge("grep -rn x src | head", untrusted), DECISION_ALLOW);
}

/* A text of count times the same. */
static char *
repeated(const char *text, size_t count)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)4 << 20);

	for (size_t i = 0; i < count; i++)
		buf_puts(&b, text);
	assert_int_equal(buf_done(&b, NULL), 0);
	return mem_strndup(b.s, b.len);
}

/* Invalid UTF-8, controls, direction marks, what is not ended, what is too
 * large or nested too deep: never an allow, and in bounded time. */
static void
bad_input_is_never_allowed(void **state)
{
	static const char *const texts[] = { "ls \xff", "ls \xc0\xaf",
		"ls \xed\xa0\x80", "ls\rls", "ls \x1b[2J", "ls \x01", "ls \x7f",
		"ls \xe2\x80\xae", "ls \xe2\x81\xa6", "ls \xe2\x80\x8b",
		"ls \xc2\xa0", "\xef\xbb\xbfls", "ls 'a", "ls \"a", "ls `ls",
		"ls $(ls", "ls ${a", "cat <<E\nls", "ls |", "if ls; then",
		"(ls", "{ ls", "ls &&" };
	static const struct {
		const char *text;
		size_t count;
	} large[] = {
		{ "$(", 10000 },
		{ "\"$(", 10000 },
		{ "`", 10001 },
		{ "(", 10000 },
		{ "ls; ", 262144 }, /* a megabyte */
		{ "a", 1048576 },
		{ "# ls\n", 262144 },
		{ "${x:-", 10000 },
		{ "<(", 10000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_not_equal(judge(texts[i], usual), DECISION_ALLOW);
	for (size_t i = 0; i < ARRAY_LEN(large); i++) {
		AUTO_FREE char *text = repeated(large[i].text, large[i].count);

		assert_non_null(text);
		assert_int_not_equal(judge(text, usual), DECISION_ALLOW);
	}
}

/* A run in the sandbox may make one; git outside would run what it says. */
static void
a_client_is_asked_before_git_meets_another_repository(void **state)
{
	static const char *const elsewhere[] = { "cd b && git status",
		"git -C b status", "(cd b; git log)", "pushd b; git diff" };
	static const char *const here[] = { "git status", "cd . && git log",
		"git -C . diff" };
	const struct how client = { POLICY_ON_REQUEST, EXECUTOR_CLIENT };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
		assert_true(judge(elsewhere[i], client) >= DECISION_ASK);
		assert_int_equal(judge(elsewhere[i], usual), DECISION_ALLOW);
	}
	for (size_t i = 0; i < ARRAY_LEN(here); i++)
		assert_int_equal(judge(here[i], client), DECISION_ALLOW);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everyday_work_is_allowed),
		cmocka_unit_test(what_others_see_or_is_lost_is_asked),
		cmocka_unit_test(what_is_not_understood_waits_whoever_runs_it),
		cmocka_unit_test(what_no_agent_needs_is_denied),
		cmocka_unit_test(text_around_a_command_never_makes_it_an_allow),
		cmocka_unit_test(
		    a_deletion_behind_everyday_work_is_never_allowed),
		cmocka_unit_test(never_denies_what_would_be_asked),
		cmocka_unit_test(untrusted_and_clients_are_never_looser),
		cmocka_unit_test(
		    a_client_that_runs_calls_itself_is_asked_about_code_and_writes),
		cmocka_unit_test(
		    a_client_is_asked_before_git_meets_another_repository),
		cmocka_unit_test(untrusted_allows_only_reads),
		cmocka_unit_test(bad_input_is_never_allowed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
