/*
 * Other spellings of what the shipped policy denies: quotes, escapes, $IFS,
 * wrappers, nesting, here-documents, paths, options in another order. None of
 * them may come out as allow.
 *
 *     fuzz_spelling -runs=31250      32 spellings a run: a million
 *
 * Each input seeds a generator, so that an input that fails says it all.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: the list of
 * denied commands and the rules, for the life of the process.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "core/ports.h"

#define SPELLINGS_PER_INPUT 32
#define COMMANDS_MAX 1024
#define LIST_BYTES_MAX ((size_t)1 << 20)
#define SPELLING_BYTES_MAX ((size_t)16 << 10)
#define LIST_FILE TEST_SOURCE_DIR "/tests/data/policy/deny.txt"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct classifier *classifier;
	struct buf text;
	struct str commands[COMMANDS_MAX];
	size_t count;
} shared = { .text = BUF_INIT(LIST_BYTES_MAX) };

/* ---- dice --------------------------------------------------------------- */

struct dice {
	uint64_t state;
};

static unsigned
roll(struct dice *d, unsigned sides)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (unsigned)(d->state >> 33) % sides;
}

/* ---- one word, spelt otherwise ------------------------------------------ */

static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
			   "YZ0123456789_./:@-",
			s.s[i]) == NULL)
			return false;
	}
	return s.len > 0;
}

static void
put_ansi_c(struct dice *d, struct str w, struct buf *out)
{
	buf_puts(out, "$'");
	for (size_t i = 0; i < w.len; i++) {
		if (roll(d, 3) == 0)
			buf_printf(out, "\\x%02x", (unsigned char)w.s[i]);
		else if (roll(d, 5) == 0)
			buf_printf(out, "\\%03o", (unsigned char)w.s[i]);
		else
			buf_putc(out, w.s[i]);
	}
	buf_putc(out, '\'');
}

static void
put_word(struct dice *d, struct str w, struct buf *out)
{
	const size_t cut = w.len < 2 ? 0 : 1 + roll(d, (unsigned)w.len - 1);
	const struct str a = str_head(w, cut), b = str_from(w, cut);

	switch (is_plain(w) ? roll(d, 9) : 8) {
	case 0:
		buf_printf(out, "'%.*s'", STR_ARG(w));
		break;
	case 1:
		buf_printf(out, "\"%.*s\"", STR_ARG(w));
		break;
	case 2:
		buf_printf(out, "%.*s''%.*s", STR_ARG(a), STR_ARG(b));
		break;
	case 3:
		buf_printf(out, "%.*s\\\n%.*s", STR_ARG(a), STR_ARG(b));
		break;
	case 4:
		buf_printf(out, "'%.*s'\"%.*s\"", STR_ARG(a), STR_ARG(b));
		break;
	case 5:
		put_ansi_c(d, w, out);
		break;
	case 6:
		buf_printf(out, "%.*s\\%.*s", STR_ARG(a), STR_ARG(b));
		break;
	case 7:
		buf_printf(out, "%.*s${x-}%.*s", STR_ARG(a), STR_ARG(b));
		break;
	default:
		buf_put_str(out, w);
	}
}

static void
put_program(struct dice *d, struct str w, struct buf *out)
{
	static const char *const before[] = { "", "", "", "/bin/", "/usr/bin/",
		"command ", "env ", "nohup ", "nice -n 5 ", "timeout 9 ",
		"X=1 ", "X=1 env Y=2 ", "setsid -w ", "stdbuf -o0 ",
		"builtin command ", "\\", "time ", "! " };
	const bool bare = is_plain(w) && str_find(w, '/') == w.len;

	if (bare)
		buf_puts(out, before[roll(d, ARRAY_LEN(before))]);
	put_word(d, w, out);
}

/* Options that may be written apart, in another order, and in full. */
static const struct {
	const char *program;
	char letter;
	const char *full;
} options[] = {
	{ "rm", 'r', "--recursive" },
	{ "rm", 'r', "-R" },
	{ "rm", 'f', "--force" },
	{ "rm", 'f', "--forc" },
	{ "chmod", 'R', "--recursive" },
	{ "chown", 'R', "--recur" },
	{ "cp", 'r', "--recursive" },
	{ "cp", 'f', "--force" },
	{ "shred", 'u', "-u" },
	{ "shred", 'f', "--force" },
};

static bool
put_letter(struct dice *d, struct str program, char letter, struct buf *out)
{
	const unsigned from = roll(d, ARRAY_LEN(options));

	for (unsigned i = 0; i < ARRAY_LEN(options); i++) {
		const unsigned k = (from + i) % ARRAY_LEN(options);

		if (!str_eqz(program, options[k].program) ||
		    options[k].letter != letter)
			continue;
		if (roll(d, 2) == 0)
			buf_printf(out, "-%c", letter);
		else
			buf_puts(out, options[k].full);
		return true;
	}
	return false;
}

/* "-rf" as "--force -R"; false when the program or a letter is not listed. */
static bool
put_options(struct dice *d, struct str program, struct str w, struct buf *out)
{
	AUTO_BUF struct buf all = BUF_INIT(SPELLING_BYTES_MAX);
	const bool backwards = roll(d, 2) == 0;

	if (w.len < 2 || w.s[0] != '-' || w.s[1] == '-')
		return false;
	for (size_t i = 1; i < w.len; i++) {
		const size_t at = backwards ? w.len - i : i;

		if (i > 1)
			buf_putc(&all, ' ');
		if (!put_letter(d, program, w.s[at], &all))
			return false;
	}
	buf_put_str(out, buf_str(&all));
	return true;
}

/* The words of a command that has nothing but plain words and spaces. */
static void
respell_words(struct dice *d, struct str command, struct buf *out)
{
	static const char *const gaps[] = { " ", " ", "  ", "\t", " \\\n" };
	const struct str program = str_head(command, str_find(command, ' '));
	bool first = true;

	while (command.len > 0) {
		const struct str w = str_cut(&command, ' ');

		if (!first)
			buf_puts(out, gaps[roll(d, ARRAY_LEN(gaps))]);
		if (first)
			put_program(d, w, out);
		else if (roll(d, 2) == 0 || !put_options(d, program, w, out))
			put_word(d, w, out);
		first = false;
	}
}

static bool
is_simple(struct str command)
{
	for (size_t i = 0; i < command.len; i++) {
		if (strchr("'\"\\|&;<>(){}$`*?[]!#\n\t", command.s[i]) != NULL)
			return false;
	}
	/* an assignment before it would become the program */
	return str_find(command, '=') > str_find(command, ' ');
}

/* ---- a whole script, put into another ------------------------------------ */

static void
put_quoted(struct str s, struct buf *out)
{
	buf_putc(out, '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, s.s[i]);
	}
	buf_putc(out, '\'');
}

struct around {
	const char *before, *after;
	bool quoted;
};

static const struct around arounds[] = {
	{ "( ", "\n)", false },
	{ "{ ", "\n}", false },
	{ "true && ", "", false },
	{ "false || ", "", false },
	{ "if true; then ", "\nfi", false },
	{ "while true; do ", "\nbreak; done", false },
	{ "for i in 1 2; do ", "\ndone", false },
	{ "case x in x) ", "\n;; esac", false },
	{ "f() { ", "\n}; f", false },
	{ "echo \"$( ", "\n)\"", false },
	{ "x=$( ", "\n)", false },
	{ "", "\nls", false },
	{ "ls; ", "", false },
	{ "cd . && ", "", false },
	{ "exec 3>&1; ", "", false },
	{ "set -e; ", "", false },
	{ ": ${x:=1}; ", "", false },
	{ "bash -c ", "", true },
	{ "sh -c ", "", true },
	{ "bash -ec ", " x y", true },
	{ "env bash -c ", "", true },
	{ "eval ", "", true },
	{ "eval \"\" ", "", true },
	{ "timeout 5 sh -c ", "", true },
	{ "xargs -n1 sh -c ", " < /dev/null", true },
	{ "find . -maxdepth 0 -exec sh -c ", " ';'", true },
	{ "printf '%s\\n' ", " | sh", true },
	{ "echo ", " | bash", true },
	{ "bash <<< ", "", true },
	{ "trap ", " EXIT", true },
	{ "c=", "; eval \"$c\"", true },
	{ "bash <<'E'\n", "\nE\n", false },
	{ "sh -s <<\\E\n", "\nE\n", false },
};

static void
put_around(struct dice *d, struct str script, struct buf *out)
{
	const struct around *x = &arounds[roll(d, ARRAY_LEN(arounds))];

	buf_puts(out, x->before);
	if (x->quoted)
		put_quoted(script, out);
	else
		buf_put_str(out, script);
	buf_puts(out, x->after);
}

/* ---- judging ------------------------------------------------------------- */

static enum decision
judge(struct str script)
{
	AUTO(action_freep) struct action *a = NULL;

	assert(action_new(&a, NULL) == 0);
	a->proposal.tool = TOOL_SHELL;
	a->proposal.input.script =
	    arena_strndup(a->arena, script.s, script.len);
	a->proposal.executor = EXECUTOR_ASSENT;
	a->proposal.cwd = arena_strdup(a->arena, "/home/dev/proj");
	a->proposal.workspace = a->proposal.cwd;
	a->proposer.home = arena_strdup(a->arena, "/home/dev");
	assert(rules_classifier.classify(shared.classifier, a, a->arena,
		   &a->classification, NULL) == 0);
	return a->classification.decision;
}

static void
open_shared(void)
{
	const struct classifier_options o = { .policy = POLICY_ON_REQUEST };
	struct str rest;

	if (shared.classifier != NULL)
		return;
	assert(rules_classifier.open(&o, NULL, &shared.classifier, NULL) == 0);
	assert(fdio_read_file(LIST_FILE, &shared.text, NULL) == 0);
	rest = buf_str(&shared.text);
	while (rest.len > 0 && shared.count < COMMANDS_MAX) {
		const struct str line = str_cut(&rest, '\n');

		/* What only sets a variable harms nobody in a shell that
		 * ends with it, which is what the spellings make of it. */
		if (line.len == 0 || line.s[0] == '#' ||
		    str_starts(line, STR("export ")) ||
		    str_starts(line, STR("unset ")))
			continue;
		assert(judge(line) != DECISION_ALLOW);
		shared.commands[shared.count++] = line;
	}
	assert(shared.count >= 200);
}

static void
one_spelling(struct dice *d)
{
	const struct str command =
	    shared.commands[roll(d, (unsigned)shared.count)];
	AUTO_BUF struct buf text = BUF_INIT(SPELLING_BYTES_MAX);

	if (is_simple(command))
		respell_words(d, command, &text);
	else
		buf_put_str(&text, command);
	for (unsigned n = roll(d, 3); n > 0; n--) {
		AUTO_BUF struct buf inner = BUF_INIT(SPELLING_BYTES_MAX);

		buf_put_str(&inner, buf_str(&text));
		buf_reset(&text);
		put_around(d, buf_str(&inner), &text);
	}
	if (text.failed == 0 && judge(buf_str(&text)) == DECISION_ALLOW) {
		(void)fprintf(stderr, "allowed: %s\nwhich is: %.*s\n",
		    buf_cstr(&text), STR_ARG(command));
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dice d = { .state = 14695981039346656037u };

	open_shared();
	for (size_t i = 0; i < size; i++)
		d.state = (d.state ^ data[i]) * 1099511628211u;
	d.state |= 1;
	for (unsigned i = 0; i < SPELLINGS_PER_INPUT; i++)
		one_spelling(&d);
	return 0;
}
