#ifndef TEST_SHELL_MATCH_H
#define TEST_SHELL_MATCH_H
/*
 * Does a part cover a command that a shell really ran? Words match by their
 * pieces: a known text only itself, a pattern any name, an unknown piece
 * anything; a word that may split any number of arguments.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "shell/shell.h"

#define MATCH_STEPS_MAX 200000

struct matcher {
	const struct shell_part *part;
	char *const *argv;
	size_t argc;
	bool prefix; /* argv is only the first words */
	unsigned steps; /* too many: taken for a match, to fail no test */
};

static inline bool
pieces_match(struct matcher *m, const struct shell_piece *p, size_t count,
    const char *text)
{
	size_t len;

	if (m->steps++ > MATCH_STEPS_MAX)
		return true;
	if (count == 0)
		return *text == '\0';
	if (p->kind == PIECE_TEXT) {
		len = p->text.len;
		return strncmp(text, p->text.s, len) == 0 &&
		    strlen(text) >= len &&
		    pieces_match(m, p + 1, count - 1, text + len);
	}
	if (p->kind == PIECE_DIGITS && *text == '-')
		text++;
	for (len = 0;; len++) {
		if (pieces_match(m, p + 1, count - 1, text + len))
			return true;
		if (text[len] == '\0')
			return false;
		if (p->kind == PIECE_GLOB && text[len] == '/')
			return false;
		if (p->kind == PIECE_DIGITS &&
		    (text[len] < '0' || text[len] > '9'))
			return false;
	}
}

static inline bool
words_match(struct matcher *m, size_t word, size_t arg)
{
	const struct shell_word *const w = &m->part->argv[word];

	if (m->steps++ > MATCH_STEPS_MAX)
		return true;
	if (m->prefix && arg == m->argc)
		return true;
	if (word == m->part->argc)
		return arg == m->argc;
	if ((w->flags & WORD_SPLIT) != 0) {
		for (size_t to = arg; to <= m->argc; to++) {
			if (words_match(m, word + 1, to))
				return true;
		}
		return false;
	}
	if ((w->flags & WORD_GLOB) != 0 && words_match(m, word + 1, arg))
		return true;
	for (size_t to = arg; to < m->argc; to++) {
		if (!pieces_match(m, w->pieces, w->piece_count, m->argv[to]))
			return false;
		if (words_match(m, word + 1, to + 1))
			return true;
		if ((w->flags & WORD_GLOB) == 0)
			return false;
	}
	return false;
}

/* True when one of the parts covers the command, or cannot be judged. */
static inline bool
result_covers(
    const struct shell_result *r, char *const *argv, size_t argc, bool prefix)
{
	if (r->not_understood != NULL)
		return true;
	for (size_t i = 0; i < r->part_count; i++) {
		struct matcher m = {
			.part = &r->parts[i],
			.argv = argv,
			.argc = argc,
			.prefix = prefix,
		};

		if (r->parts[i].not_understood != NULL)
			return true;
		if ((r->parts[i].context & CONTEXT_GUESS) == 0 &&
		    m.part->argc > 0 && words_match(&m, 0, 0))
			return true;
	}
	return false;
}

#endif
