/*
 * What is not understood, and how much is read: never an answer that allows,
 * always a reason, and the commands that could be found all the same.
 */
#include "test_shell_sketch.h"

#define NESTED 10000

static const struct shell_context context = {
	.cwd = { .s = "/w", .len = 2 },
	.home = { .s = "/home/dev", .len = 9 },
};

/* The reason, of the whole or of a part; NULL when all is understood. */
static const char *
reason_of(struct str script)
{
	static char why[256];
	AUTO(arena_freep) struct arena *a = arena_new(ACTION_ARENA_MAX);
	struct shell_result r;
	const char *found = NULL;

	assert_int_equal(shell_understand(script, &context, a, &r, NULL), 0);
	found = r.not_understood;
	assert_true(r.offset <= script.len);
	for (size_t i = 0; i < r.part_count && found == NULL; i++)
		found = r.parts[i].not_understood;
	if (found == NULL)
		return NULL;
	(void)snprintf(why, sizeof(why), "%s", found);
	return why;
}

static void
a_character_that_hides_refuses_the_script(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} hidden[] = {
		{ "\0", 1 }, { "\r", 1 }, { "\v", 1 }, { "\f", 1 },
		{ "\x01", 1 }, { "\x1b[0m", 4 }, { "\x7f", 1 }, { "\xff", 1 },
		{ "\xc0\xaf", 2 }, /* overlong */
		{ "\xed\xa0\x80", 3 }, /* a surrogate */
		{ "\xf4\x90\x80\x80", 4 }, /* beyond Unicode */
		{ "\xe2\x80", 2 }, /* cut off */
		{ "\xc2\x80", 2 }, { "\xc2\xa0", 2 }, /* no-break space */
		{ "\xc2\xad", 2 }, /* soft hyphen */
		{ "\xe1\x9a\x80", 3 }, /* ogham space */
		{ "\xe2\x80\x8b", 3 }, /* zero width space */
		{ "\xe2\x80\xa8", 3 }, /* line separator */
		{ "\xe2\x80\xae", 3 }, /* right-to-left override */
		{ "\xe2\x81\xa6", 3 }, /* isolate */
		{ "\xe3\x80\x80", 3 }, /* ideographic space */
		{ "\xe3\x85\xa4", 3 }, /* hangul filler */
		{ "\xef\xbb\xbf", 3 }, /* byte order mark */
		{ "\xf3\xa0\x80\x81", 4 }, /* a tag */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
		AUTO_BUF struct buf b = BUF_INIT(256);

		buf_puts(&b, "echo a");
		buf_put(&b, hidden[i].text, hidden[i].len);
		buf_puts(&b, "b");
		if (reason_of(buf_str(&b)) == NULL)
			fail_msg("character %zu is not refused", i);
	}
	assert_null(reason_of(STR("echo 'gr\xc3\xbc\xc3\x9f' \xe2\x9c\x93")));
}

static const char *const refused[] = {
	"IFS+=x a=$(echo \"\"$IFS) b",
	"echo 'a",
	"echo \"a",
	"echo `a",
	"echo $(a",
	"echo ${a",
	"echo $'a",
	"echo $'\\q'",
	"echo $'a\\0b'",
	"echo $\"a\"",
	"echo \\",
	"echo $((1+",
	"echo $((a); (b))",
	"echo $[1+1]",
	"echo ${}",
	"echo ${x y}",
	"echo ${ ls; }",
	"echo ${!x*y}",
	"echo \"${x:-'a'}\"",
	"(ls",
	"ls)",
	"{ ls",
	"ls; }",
	"if ls; then a",
	"if ls; fi",
	"for x in a; do b",
	"while a; do done",
	"case a in b) c",
	"done; ls",
	"then ls",
	"ls ;; pwd",
	"ls; ; pwd",
	"ls & ; pwd",
	"| ls",
	"ls | | wc",
	"ls &&",
	"&& ls",
	"ls >",
	"ls > > a",
	"ls <<",
	"cat <<E\nx",
	"cat <<$x\nx\n$x",
	"cat <<''\n\n",
	"cat <<E\na\\\nE\nrm x\nE",
	"ls &\\\n& rm",
	"ls $\\\nx",
	"x\\\n=1 ls",
	"2\\\n> f ls",
	"{fd}> f ls",
	"ls >&$x",
	"ls !(a|b)",
	"f() ls",
	"f( ) x",
	"function f",
	"1a() { ls; } (",
	"a[1]x b",
	"x=(a (b))",
	"ls x=(a)",
	"x[0]=(a)",
	"[[ a",
	"[[ a == b c ]]",
	"[[ a =~ (b c) ]]",
	"[[ ! ]]",
	"[[ -f = a ]]",
	"[[ -f != a ]]",
	"[[ -f ]]",
	"[[ -v -eq 1 ]]",
	"[[ -f =~ a ]]",
	"((1+[))",
	"((a)",
	"for ((;;) do a; done",
	"for 1 in a; do b; done",
	"coproc",
	"time",
	"!",
	"-c ls",
	"shopt -s expand_aliases\nalias ls=rm\nls",
	"set -o posix\nls",
	"set -k",
	"POSIXLY_CORRECT=1\nls",
	"enable -n cd",
	"hash -p /tmp/x ls; ls",
	"readonly x=1; x=2",
	"IFS=(a b); ls",
	"x=(a) ls",
	"time {f; } x",
};

static void
what_is_not_certain_is_refused(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (reason_of(str_of(refused[i])) != NULL)
			continue;
		print_error("understood: %s\n", refused[i]);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static void
what_was_refused_is_searched_all_the_same(void **state)
{
	static const struct sketch_case cases[] = {
		{ "ls; echo $[1]; rm -rf x",
		    "! arithmetic in $[ ]\n"
		    "c~ ls\n"
		    "c~ rm -rf x\n" },
		{ "cat <<E\nbody\nE\\\nE\nrm -rf x\nE",
		    "! a line continuation in a here-document\n"
		    "c~ body\n"
		    "c~ EE\n"
		    "c~ rm -rf x\n"
		    "c~ E\n" },
		{ "ls\rrm x",
		    "! a carriage return, which bash takes for a letter\n"
		    "c 'ls\rrm' x\n" },
		{ "echo $(rm -rf x",
		    "! a substitution that is not closed\n"
		    "c~ rm -rf x\n" },
		{ "for f in a; do echo $[1]; rm $f; done",
		    "! arithmetic in $[ ]\n"
		    "c~ rm ${f}\n" },
	};

	(void)state;
	check_sketches(cases, ARRAY_LEN(cases));
}

static void
repeat(struct buf *b, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_puts(b, text);
}

/* Each is read in bounded time, and none is understood. */
static void
what_is_too_large_is_refused(void **state)
{
	static const struct {
		const char *before, *text, *after;
		size_t count;
		bool known; /* understood, with something not known in it */
	} cases[] = {
		{ "", "$(", "", NESTED, false },
		{ "echo ", "$(echo ", "", NESTED, false },
		{ "", "(", "", 2 * NESTED, false },
		{ "", "{ ", "", NESTED, false },
		{ "echo ", "\"$(", "", NESTED, false },
		{ "echo ", "${x:-", "", NESTED, false },
		{ "echo $((", "(", "", NESTED, false },
		{ "", "`", "", NESTED - 1, false },
		{ "", "if ", "", NESTED, false },
		{ "", "f() { ", "", NESTED, false },
		{ "[[ ", "! ", "", NESTED, false },
		{ "[[ ", "( ", "", NESTED, false },
		{ "", "! ", "ls", NESTED, false },
		{ "", "time ", "ls", NESTED, false },
		{ "", "ls;", "", NESTED, false },
		{ "", "ls|", "ls", NESTED, false },
		{ "", "ls&&", "ls", NESTED, false },
		{ "echo", " a", "", NESTED, false },
		{ "", "x=1 ", "", 30000, false },
		{ "", "cat <<E;", "", 100, false },
		{ "echo ", "{a,b}", "", 12, true },
		{ "echo {1..", "9", "}", 12, true },
		{ "echo ", "a", "", 200000, false },
		{ "echo '", "a", "'", SCRIPT_BYTES_MAX - 10, false },
		{ "x=a;", "x=$x$x;", "echo $x", 40, false },
		{ "f() { f; f; };", "f;", "", 3000, false },
		{ "eval ", "eval ", "ls", 300, false },
		{ "", "env ", "ls", 300, false },
		{ "cd a;", "cd aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;", "ls", 100,
		    true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF struct buf b = BUF_INIT(SCRIPT_BYTES_MAX * 2);

		buf_puts(&b, cases[i].before);
		repeat(&b, cases[i].text, cases[i].count);
		buf_puts(&b, cases[i].after);
		if ((reason_of(buf_str(&b)) == NULL) != cases[i].known)
			fail_msg(
			    "case %zu ('%s') is understood", i, cases[i].text);
	}
}

static void
an_empty_script_does_nothing(void **state)
{
	static const struct sketch_case cases[] = {
		{ "", "" },
		{ " \t\n\n", "" },
		{ "# ls", "" },
		{ "\\\n", "" },
		{ "#!/bin/sh\nls", "c ls\n" },
	};

	(void)state;
	check_sketches(cases, ARRAY_LEN(cases));
}

static void
words_without_a_shell_are_unwrapped(void **state)
{
	char *const argv[] = { (char *)(uintptr_t) "env",
		(char *)(uintptr_t) "X=$(rm)", (char *)(uintptr_t) "bash",
		(char *)(uintptr_t) "-c", (char *)(uintptr_t) "cd a && ls *.c",
		NULL };
	AUTO(arena_freep) struct arena *a = arena_new(ACTION_ARENA_MAX);
	AUTO_BUF struct buf out = BUF_INIT(SKETCH_MAX);
	struct shell_result r;

	(void)state;
	assert_int_equal(
	    shell_understand_argv(argv, 5, &context, a, &r, NULL), 0);
	for (size_t i = 0; i < r.part_count; i++)
		sketch_part(&out, &r.parts[i]);
	assert_string_equal(buf_cstr(&out),
	    "w env 'X=$(rm)' bash -c 'cd a && ls *.c'\n"
	    "w bash -c 'cd a && ls *.c'\n"
	    "c cd a\n"
	    "c ls *.c @/w/a\n");
	assert_int_equal(
	    shell_understand_argv(argv, 0, &context, a, &r, NULL), 0);
	assert_non_null(r.not_understood);
}

static void
what_the_action_gives_is_known(void **state)
{
	static const struct shell_env env[] = {
		{ { "V", 1 }, { "rm -rf", 6 } },
		{ { "IFS", 3 }, { ",", 1 } },
	};
	const struct shell_context ctx = {
		.cwd = STR("/w/../w/./"),
		.env = env,
		.env_count = ARRAY_LEN(env),
		.stdin_known = true,
		.stdin_text = STR("ls a\n"),
	};
	AUTO(arena_freep) struct arena *a = arena_new(ACTION_ARENA_MAX);
	AUTO_BUF struct buf out = BUF_INIT(SKETCH_MAX);
	struct shell_result r;

	(void)state;
	assert_int_equal(shell_understand(STR("$V ~"), &ctx, a, &r, NULL), 0);
	for (size_t i = 0; i < r.part_count; i++)
		sketch_part(&out, &r.parts[i]);
	/* A shell does not take IFS from its environment. */
	assert_string_equal(buf_cstr(&out), "c rm -rf ${HOME}\n");
	buf_reset(&out);
	assert_int_equal(shell_understand(STR("bash"), &ctx, a, &r, NULL), 0);
	for (size_t i = 0; i < r.part_count; i++)
		sketch_part(&out, &r.parts[i]);
	assert_string_equal(buf_cstr(&out), "w bash\nc ls a\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_character_that_hides_refuses_the_script),
		cmocka_unit_test(what_is_not_certain_is_refused),
		cmocka_unit_test(what_was_refused_is_searched_all_the_same),
		cmocka_unit_test(what_is_too_large_is_refused),
		cmocka_unit_test(an_empty_script_does_nothing),
		cmocka_unit_test(words_without_a_shell_are_unwrapped),
		cmocka_unit_test(what_the_action_gives_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
