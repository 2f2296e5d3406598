/*
 * ncursesw behind the grid.
 * Runs in: assent.  Trusts: the terminal's description; keys are only keys.
 * Owns: the terminal, from term_open to term_close.
 */
#include "term.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "model.h"
#include "safe.h"
#include "term_crash.h"

#define WHEEL_ROWS 3
#define ESCAPE_WAIT_MS 25

/* Codes for what ncurses has no names for. */
enum own_key {
	OWN_PASTE_BEGINS = KEY_MAX + 1,
	OWN_PASTE_ENDS,
	OWN_FOCUS_IN,
	OWN_FOCUS_OUT,
};

struct term {
	SCREEN *screen;
	struct grid shown; /* what is there */
	bool utf8, colour, all;
};

/* ---- opening and closing ------------------------------------------------- */

static const char *const begin_words =
    "\033[?2004h\033[?1004h"; /* tell of pastes and of the focus */
static const char *const end_words = "\033[?1004l\033[?2004l";

static void
define_keys(void)
{
	(void)define_key("\033[200~", OWN_PASTE_BEGINS);
	(void)define_key("\033[201~", OWN_PASTE_ENDS);
	(void)define_key("\033[I", OWN_FOCUS_IN);
	(void)define_key("\033[O", OWN_FOCUS_OUT);
}

static void
define_colours(void)
{
	static const struct {
		short style, colour;
	} pairs[] = {
		{ STYLE_LABEL, COLOR_CYAN },
		{ STYLE_GOOD, COLOR_GREEN },
		{ STYLE_WARN, COLOR_YELLOW },
		{ STYLE_BAD, COLOR_RED },
		{ STYLE_ADDED, COLOR_GREEN },
		{ STYLE_REMOVED, COLOR_RED },
		{ STYLE_ALIKE, COLOR_MAGENTA },
	};

	(void)start_color();
	(void)use_default_colors();
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		(void)init_pair(pairs[i].style, pairs[i].colour, -1);
}

static void
set_modes(void)
{
	(void)raw();
	(void)noecho();
	(void)nonl();
	(void)set_escdelay(ESCAPE_WAIT_MS);
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)curs_set(0);
	(void)mouseinterval(0);
	(void)mousemask(
	    BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	define_keys();
}

int
term_open(const struct term_options *o, struct term **ret, struct err *e)
{
	struct term *t;

	t = mem_new(1, sizeof(*t));
	if (t == NULL)
		return err_nomem(e);
	(void)setlocale(LC_CTYPE, "");
	t->utf8 = !o->ascii && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	term_crash_arm();
	t->screen = newterm(NULL, stdout, stdin);
	if (t->screen == NULL || tigetstr("cup") == NULL ||
	    tigetstr("clear") == NULL) {
		if (t->screen != NULL)
			term_close(t);
		else
			free(t);
		return err_set(e, ERR_INVALID,
		    "this kind of terminal (TERM) cannot move its cursor; "
		    "'assent pending --watch' needs not that");
	}
	t->colour = o->colour && has_colors();
	if (t->colour)
		define_colours();
	set_modes();
	t->all = true;
	term_raw(t, str_of(begin_words));
	*ret = t;
	return ERR_OK;
}

void
term_close(struct term *t)
{
	if (t == NULL)
		return;
	term_raw(t, str_of(end_words));
	(void)endwin();
	delscreen(t->screen);
	term_crash_disarm();
	grid_done(&t->shown);
	free(t);
}

bool
term_is_utf8(const struct term *t)
{
	return t->utf8;
}

void
term_size(const struct term *t, int *ret_rows, int *ret_columns)
{
	struct winsize w;

	(void)t;
	*ret_rows = LINES;
	*ret_columns = COLS;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 &&
	    w.ws_col > 0) {
		*ret_rows = w.ws_row;
		*ret_columns = w.ws_col;
	}
}

void
term_raw(struct term *t, struct str bytes)
{
	(void)t;
	(void)fflush(stdout);
	(void)fdio_write_all(STDOUT_FILENO, bytes.s, bytes.len, NULL);
}

/* ---- out ----------------------------------------------------------------- */

/* Each style without colours, too. */
static attr_t
attributes_of(uint8_t style)
{
	switch ((enum style)style) {
	case STYLE_BOLD:
	case STYLE_BAD:
	case STYLE_WARN:
	case STYLE_LABEL:
		return A_BOLD;
	case STYLE_DIM:
		return A_DIM;
	case STYLE_HIDDEN:
	case STYLE_BAR:
	case STYLE_SELECTED:
		return A_REVERSE;
	case STYLE_SELECTED_IDLE:
		return A_UNDERLINE | A_BOLD;
	case STYLE_ALIKE:
		return A_REVERSE | A_UNDERLINE;
	case STYLE_PLAIN:
	case STYLE_GOOD:
	case STYLE_ADDED:
	case STYLE_REMOVED:
	case STYLE_END:
		break;
	}
	return A_NORMAL;
}

static short
pair_of(const struct term *t, uint8_t style)
{
	switch ((enum style)style) {
	case STYLE_LABEL:
	case STYLE_GOOD:
	case STYLE_WARN:
	case STYLE_BAD:
	case STYLE_ADDED:
	case STYLE_REMOVED:
	case STYLE_ALIKE:
		return t->colour ? (short)style : 0;
	case STYLE_PLAIN:
	case STYLE_BOLD:
	case STYLE_DIM:
	case STYLE_HIDDEN:
	case STYLE_BAR:
	case STYLE_SELECTED:
	case STYLE_SELECTED_IDLE:
	case STYLE_END:
		break;
	}
	return 0;
}

/* Where the library counts other columns than we do, a sign of ours. */
static void
put_cell(const struct term *t, int y, int x, const struct cell *c)
{
	const int width = safe_width(c->cp);
	wchar_t text[2 + GRID_MARKS] = { (wchar_t)c->cp };
	attr_t a = attributes_of(c->style);
	size_t n = 1;
	cchar_t out;

	for (size_t i = 0; i < GRID_MARKS && c->marks[i] != 0; i++)
		text[n++] = (wchar_t)c->marks[i];
	if (wcwidth((wchar_t)c->cp) != width && c->cp >= 0x80) {
		text[0] = '?';
		text[1] = 0;
		a |= A_REVERSE;
	}
	if (setcchar(&out, text, a, pair_of(t, c->style), NULL) == OK)
		(void)mvadd_wch(y, x, &out);
}

static void
put_row(const struct term *t, const struct grid *g, int y)
{
	for (int x = 0; x < g->columns; x++) {
		const struct cell *c = grid_at(g, y, x);

		if (c->cp != 0)
			put_cell(t, y, x, c);
	}
}

int
term_show(struct term *t, const struct grid *g, struct err *e)
{
	const size_t row_bytes = (size_t)g->columns * sizeof(struct cell);

	if (t->shown.rows != g->rows || t->shown.columns != g->columns) {
		const int r = grid_resize(&t->shown, g->rows, g->columns, e);

		if (r != 0)
			return r;
		(void)resizeterm(g->rows, g->columns);
		t->all = true;
	}
	if (t->all)
		(void)clear();
	for (int y = 0; y < g->rows; y++) {
		const size_t at = (size_t)y * (size_t)g->columns;

		if (!t->all &&
		    memcmp(t->shown.cells + at, g->cells + at, row_bytes) == 0)
			continue;
		put_row(t, g, y);
		memcpy(t->shown.cells + at, g->cells + at, row_bytes);
	}
	t->all = false;
	(void)refresh();
	return ERR_OK;
}

void
term_redraw(struct term *t)
{
	t->all = true;
}

void
term_leave(struct term *t)
{
	term_raw(t, str_of(end_words));
	(void)endwin();
}

/* Whatever it left: style, scrolling and the cursor are ours again. */
void
term_back(struct term *t)
{
	term_raw(t, STR("\033[0m\033[r"));
	term_raw(t, str_of(begin_words));
	t->all = true;
	(void)refresh();
	(void)curs_set(0);
	(void)flushinp();
}

void
term_suspend(struct term *t)
{
	term_leave(t);
	(void)raise(SIGSTOP);
	term_back(t);
}

/* ---- in ------------------------------------------------------------------ */

static const struct {
	int code, key;
} named_keys[] = {
	{ KEY_UP, KEY_UP_ },
	{ KEY_DOWN, KEY_DOWN_ },
	{ KEY_LEFT, KEY_LEFT_ },
	{ KEY_RIGHT, KEY_RIGHT_ },
	{ KEY_PPAGE, KEY_PAGE_UP },
	{ KEY_NPAGE, KEY_PAGE_DOWN },
	{ KEY_HOME, KEY_FIRST },
	{ KEY_END, KEY_LAST },
	{ KEY_ENTER, KEY_RETURN },
	{ KEY_BACKSPACE, KEY_RUBOUT },
	{ KEY_DC, KEY_RUBOUT },
	{ KEY_F(1), KEY_HELP_ },
	{ KEY_F(3), KEY_FIND_ },
	{ KEY_F(10), KEY_QUIT_ },
};

static bool
read_mouse(struct term_event *ret)
{
	MEVENT m;

	if (getmouse(&m) != OK)
		return false;
	ret->y = m.y;
	ret->x = m.x;
	if ((m.bstate & BUTTON4_PRESSED) != 0) {
		ret->kind = TERM_WHEEL;
		ret->key = -WHEEL_ROWS;
	} else if ((m.bstate & BUTTON5_PRESSED) != 0) {
		ret->kind = TERM_WHEEL;
		ret->key = WHEEL_ROWS;
	} else {
		ret->kind = TERM_CLICK;
	}
	return true;
}

static bool
take_code(int code, struct term_event *ret)
{
	static const struct {
		int code;
		enum term_event_kind kind;
	} own[] = {
		{ OWN_PASTE_BEGINS, TERM_PASTE_BEGINS },
		{ OWN_PASTE_ENDS, TERM_PASTE_ENDS },
		{ OWN_FOCUS_IN, TERM_FOCUS_IN },
		{ OWN_FOCUS_OUT, TERM_FOCUS_OUT },
	};

	if (code == KEY_RESIZE)
		return false;
	if (code == KEY_MOUSE)
		return read_mouse(ret);
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (own[i].code == code) {
			ret->kind = own[i].kind;
			return true;
		}
	}
	ret->key = KEY_NOTHING;
	for (size_t i = 0; i < ARRAY_LEN(named_keys); i++) {
		if (named_keys[i].code == code)
			ret->key = named_keys[i].key;
	}
	return true;
}

static void
take_character(wint_t c, struct term_event *ret)
{
	switch (c) {
	case '\r':
	case '\n':
		ret->key = KEY_RETURN;
		break;
	case '\t':
		ret->key = KEY_TAB_;
		break;
	case 3:
		ret->key = KEY_CTRL_C;
		break;
	case 12:
		ret->key = KEY_CTRL_L;
		break;
	case 26:
		ret->kind = TERM_SUSPEND;
		break;
	case 27:
		ret->key = KEY_ESCAPE;
		break;
	case 8:
	case 127:
		ret->key = KEY_RUBOUT;
		break;
	default:
		ret->key = c < 0x20 ? (int)KEY_NOTHING : (int)c;
		break;
	}
}

bool
term_read(struct term *t, struct term_event *ret)
{
	(void)t;
	for (;;) {
		wint_t c = 0;
		const int kind = wget_wch(stdscr, &c);

		*ret = (struct term_event){ .kind = TERM_KEY };
		if (kind == ERR)
			return false;
		if (kind == KEY_CODE_YES) {
			if (!take_code((int)c, ret))
				continue;
			return true;
		}
		take_character(c, ret);
		return true;
	}
}
