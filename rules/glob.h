#ifndef RULES_GLOB_H
#define RULES_GLOB_H
/*
 * Shell-like patterns over text, paths and host names.
 *
 *     struct glob g = { .text = STR("release/" "*"), .style = GLOB_TEXT };
 *     if (glob_match(&g, operand)) ...
 *
 * '*' any text (in a path: not over '/'), '**' over '/', '?' one character,
 * '[abc]' '[!a-z]' one of a set, '\' takes the next character as it is.
 * Linear in the text for each pattern: nothing backtracks.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#define GLOB_BYTES_MAX 512

enum glob_style {
	GLOB_TEXT,
	GLOB_PATH,
	GLOB_HOST, /* case does not matter; "*.a.b" needs a label before */
};

struct glob {
	struct str text;
	enum glob_style style;
	bool literal; /* without any pattern character */
};

/* 0, or ERR_INVALID with what is wrong. text is kept, not copied. */
int glob_init_keep(
    struct glob *g, struct str text, enum glob_style style, struct err *e);
/* What to write instead of a text that is no pattern. */
const char *glob_hint(struct str text);
bool glob_match(const struct glob *g, struct str text);

#endif
