#ifndef TUI_ALIKE_H
#define TUI_ALIKE_H
/*
 * Characters that pass for others: letters of other scripts that look like
 * Latin ones, slashes, quotes and dots that are none, and words that mix
 * scripts, as a host or a path that should be trusted may do.
 *
 *     if (at >= word.end)
 *             alike_word(text, at, &word);
 *     mark = alike_marks(&word, cp);
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct alike_word {
	size_t end; /* offset behind the word */
	bool mixed; /* letters of Latin and of another script */
	bool posing; /* of another script, but each looks like a Latin one */
};

/* The label (between blanks, slashes, dots and other signs) at offset at. */
void alike_word(struct str text, size_t at, struct alike_word *ret);
/* Is cp to be marked, in that word? */
bool alike_marks(const struct alike_word *word, uint32_t cp);

#endif
