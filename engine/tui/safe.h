#ifndef TUI_SAFE_H
#define TUI_SAFE_H
/*
 * Foreign text made safe to draw: what cannot be seen is spelled out, what
 * looks like something else is marked.
 *
 *     safe_style(&out, STYLE_LABEL);
 *     buf_puts(&out, "cwd ");                       our own words
 *     notes |= safe_text(&out, cwd, &(struct safe_how){ .utf8 = true });
 *
 * Hidden characters and ill-formed bytes become <ESC>, <U+202E>, <xE9>, in
 * STYLE_HIDDEN; a run of many spaces becomes <300 SPACES>. Without utf8, all
 * beyond ASCII is spelled out.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "style.h"

enum safe_note {
	SAFE_HAS_HIDDEN = 1, /* something had to be spelled out */
	SAFE_HAS_ALIKE = 2, /* look-alikes of ASCII, or mixed scripts */
	SAFE_WAS_CUT = 4, /* longer than cut */
};

struct safe_how {
	enum style style; /* of what is as it seems; 0: STYLE_PLAIN */
	bool utf8; /* the terminal shows more than ASCII */
	size_t cut; /* at most so many columns, then a mark; 0: all of it */
};

void safe_style(struct buf *out, enum style style);
/* Appends; the style afterwards is how->style. Returns notes (or-ed). */
unsigned safe_text(
    struct buf *out, struct str text, const struct safe_how *how);
unsigned safe_cstr(
    struct buf *out, const char *text, const struct safe_how *how);

/* Columns that a character takes: 1 or 2; 0: it joins the one before it; -1:
 * it must be spelled out. Does not depend on the locale. */
int safe_width(uint32_t cp);

#endif
