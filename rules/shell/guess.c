/*
 * A command whose name is not known: what it may well be is judged, too.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

/* Judged as well, and no more: to tighten only. */
static void
run_guess(struct norm *n, const struct shell_part *p, const struct words *ws)
{
	struct shell_part guess = *p;

	if (ws->count == 0)
		return;
	const struct frame saved = frame_push(n, CONTEXT_GUESS, NULL);
	const struct mark m = state_mark(n);

	guess.argv = ws->w;
	guess.argc = ws->count;
	(void)run_command(n, &guess);
	state_undo(n, &m);
	frame_pop(n, &saved);
}

/* The words from here on, their first one as it is likely to read. */
static void
words_add_likely(
    struct norm *n, struct words *ws, const struct shell_part *p, size_t from)
{
	for (size_t i = from; i < p->argc; i++) {
		/* A variable that is not set and not quoted vanishes. */
		if (ws->count == 0 && p->argv[i].text.len == 0 &&
		    (p->argv[i].flags & WORD_SUBST) == 0)
			continue;
		if (ws->count == 0 && !shell_word_known(&p->argv[i])) {
			const struct shell_word w =
			    word_text(n, p->argv[i].text);

			words_add(n, ws, &w);
			continue;
		}
		words_add(n, ws, &p->argv[i]);
	}
}

/* The command as it would be with the likely texts. */
static void
run_likely(struct norm *n, const struct shell_part *p)
{
	struct words ws = { .count = 0 };
	struct str rest = p->argv[0].text;

	if (rest.len == 0 && (p->argv[0].flags & WORD_SUBST) != 0)
		return;
	while (rest.len > 0) {
		const struct str field = str_cut(&rest, ' ');
		const struct shell_word w = word_text(n, str_trim(field));

		if (w.text.len > 0)
			words_add(n, &ws, &w);
	}
	words_add_likely(n, &ws, p, 1);
	run_guess(n, p, &ws);
}

/* The command as it would be without words that may be nothing at all. */
static void
run_vanished(struct norm *n, const struct shell_part *p)
{
	struct words ws = { .count = 0 };
	size_t i = 0;

	/* It was guessed so already. */
	if (p->argv[0].text.len == 0 && (p->argv[0].flags & WORD_SUBST) == 0)
		return;
	while (i < p->argc && (p->argv[i].flags & WORD_SPLIT) != 0 &&
	    word_all_unknown(&p->argv[i]))
		i++;
	if (i == 0)
		return;
	words_add_likely(n, &ws, p, i);
	run_guess(n, p, &ws);
}

void
guess_command(struct norm *n, const struct shell_part *p)
{
	run_likely(n, p);
	run_vanished(n, p);
}
