#ifndef TUI_STYLE_H
#define TUI_STYLE_H
/*
 * How text looks, as one byte that stands in the text itself.
 *
 * "Safe text" is UTF-8 without any control character, except these bytes and
 * the few of page.h: each holds from where it stands to the next. Nothing from
 * outside gets into it but through safe_text(), which lets no control through.
 * So a style can only come from this program.
 */

enum style {
	STYLE_PLAIN = 1,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_LABEL, /* our own words beside foreign ones */
	STYLE_HIDDEN, /* an escape for what cannot be seen: reverse */
	STYLE_ALIKE, /* looks like another character */
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_ADDED = 11, /* 9 and 10 are tab and newline */
	STYLE_REMOVED,
	STYLE_BAR = 14, /* header and footer; 13 is the carriage return */
	STYLE_SELECTED,
	STYLE_SELECTED_IDLE, /* in the pane that has not the focus */
	STYLE_END,
};

#endif
