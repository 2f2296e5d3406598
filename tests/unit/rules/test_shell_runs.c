/*
 * Scripts that are easily misread, with the commands that bash ran for each:
 * NAME.sh and NAME.argv (a command a line, words between tabs, three at most).
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/mem.h"
#include "model/limits.h"
#include "test_shell_match.h"

#define RUNS TEST_SOURCE_DIR "/tests/data/shell/runs"
#define WORDS_MAX 3

static const struct shell_context context = {
	.cwd = { .s = "/w", .len = 2 },
	.home = { .s = "/home/dev", .len = 9 },
};

static void
read_file(const char *name, const char *suffix, struct buf *out)
{
	AUTO_BUF struct buf path = BUF_INIT(4096);
	struct err e = ERR_INIT;

	buf_printf(&path, "%s/%s%s", RUNS, name, suffix);
	if (fdio_read_file(buf_cstr(&path), out, &e) != 0)
		fail_msg("%s", e.msg);
}

static int
unhex(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* One word; moves *at behind it. In place: it only gets shorter; *ret_end is
 * where it will have to end. */
static char *
next_word(char **at, char **ret_end)
{
	char *const word = *at;
	char *out = word;
	char *s = word;

	for (; *s != '\t' && *s != '\n'; s++) {
		if (*s != '\\') {
			*out++ = *s;
			continue;
		}
		s++;
		if (*s == 'x') {
			*out++ = (char)(unhex(s[1]) * 16 + unhex(s[2]));
			s += 2;
		} else {
			*out++ = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s;
		}
	}
	*at = s;
	*ret_end = out;
	return word;
}

/* Whether every command of the list is covered. */
static bool
covers_all(const struct shell_result *r, char *list, const char *name)
{
	while (*list != '\0') {
		char *argv[WORDS_MAX + 1] = { NULL };
		size_t argc = 0;
		char *ends[WORDS_MAX];

		for (;;) {
			assert_true(argc < WORDS_MAX);
			argv[argc] = next_word(&list, &ends[argc]);
			argc++;
			if (*list++ == '\n')
				break;
		}
		for (size_t i = 0; i < argc; i++)
			*ends[i] = '\0';
		if (!result_covers(r, argv, argc, argc == WORDS_MAX)) {
			print_error("%s: %s %s is lost\n", name, argv[0],
			    argc > 1 ? argv[1] : "");
			return false;
		}
	}
	return true;
}

static bool
check_case(const char *name, unsigned *understood)
{
	AUTO_BUF struct buf script = BUF_INIT(SCRIPT_BYTES_MAX);
	AUTO_BUF struct buf list = BUF_INIT(SCRIPT_BYTES_MAX);
	AUTO(arena_freep) struct arena *a = arena_new(ACTION_ARENA_MAX);
	struct shell_result r;

	read_file(name, ".sh", &script);
	read_file(name, ".argv", &list);
	assert_int_equal(
	    shell_understand(buf_str(&script), &context, a, &r, NULL), 0);
	*understood += r.not_understood == NULL ? 1U : 0U;
	return list.len == 0 || covers_all(&r, list.s, name);
}

static void
every_command_that_bash_ran_is_a_part(void **state)
{
	struct dirent **names = NULL;
	const int count = scandir(RUNS, &names, NULL, alphasort);
	unsigned cases = 0, bad = 0, understood = 0;

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		char *const dot = strrchr(names[i]->d_name, '.');

		if (dot != NULL && strcmp(dot, ".sh") == 0) {
			*dot = '\0';
			cases++;
			bad +=
			    check_case(names[i]->d_name, &understood) ? 0 : 1;
		}
		free(names[i]);
	}
	free(names);
	print_message(
	    "%u cases, %u understood, %u lost\n", cases, understood, bad);
	assert_int_equal(bad, 0);
	assert_true(cases >= 160);
	/* It may not pass by understanding nothing. */
	assert_true(understood >= 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_that_bash_ran_is_a_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
