/*
 * Foreign text for the screen (I8): everything hidden is spelled out.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include "safe.h"

#include "alike.h"
#include "base/mem.h"
#include "base/text.h"

#define SPACES_SHOWN_MAX 24 /* a longer run is told as a number */
#define MARKS_MAX 2 /* joined to one character; more are spelled out */
#define ESCAPE_BYTES 40

struct range {
	uint32_t first, last;
};

/* Two columns on terminals (East Asian wide and fullwidth, pictures). */
static const struct range wide_ranges[] = {
	{ 0x1100, 0x115e },
	{ 0x231a, 0x231b },
	{ 0x2329, 0x232a },
	{ 0x23e9, 0x23ec },
	{ 0x23f0, 0x23f0 },
	{ 0x23f3, 0x23f3 },
	{ 0x25fd, 0x25fe },
	{ 0x2614, 0x2615 },
	{ 0x2648, 0x2653 },
	{ 0x267f, 0x267f },
	{ 0x2693, 0x2693 },
	{ 0x26a1, 0x26a1 },
	{ 0x26aa, 0x26ab },
	{ 0x26bd, 0x26be },
	{ 0x26c4, 0x26c5 },
	{ 0x26ce, 0x26ce },
	{ 0x26d4, 0x26d4 },
	{ 0x26ea, 0x26ea },
	{ 0x26f2, 0x26f3 },
	{ 0x26f5, 0x26f5 },
	{ 0x26fa, 0x26fa },
	{ 0x26fd, 0x26fd },
	{ 0x2705, 0x2705 },
	{ 0x270a, 0x270b },
	{ 0x2728, 0x2728 },
	{ 0x274c, 0x274c },
	{ 0x274e, 0x274e },
	{ 0x2753, 0x2755 },
	{ 0x2757, 0x2757 },
	{ 0x2795, 0x2797 },
	{ 0x27b0, 0x27b0 },
	{ 0x27bf, 0x27bf },
	{ 0x2b1b, 0x2b1c },
	{ 0x2b50, 0x2b50 },
	{ 0x2b55, 0x2b55 },
	{ 0x2e80, 0x2fff },
	{ 0x3001, 0x303e },
	{ 0x3041, 0x3247 },
	{ 0x3250, 0x4dbf },
	{ 0x4e00, 0xa4cf },
	{ 0xa960, 0xa97f },
	{ 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },
	{ 0xfe10, 0xfe19 },
	{ 0xfe30, 0xfe6f },
	{ 0xff01, 0xff60 },
	{ 0xffe0, 0xffe6 },
	{ 0x16fe0, 0x18cff },
	{ 0x1aff0, 0x1b2ff },
	{ 0x1f004, 0x1f004 },
	{ 0x1f0cf, 0x1f0cf },
	{ 0x1f18e, 0x1f18e },
	{ 0x1f191, 0x1f19a },
	{ 0x1f200, 0x1f320 },
	{ 0x1f32d, 0x1f335 },
	{ 0x1f337, 0x1f37c },
	{ 0x1f37e, 0x1f393 },
	{ 0x1f3a0, 0x1f3ca },
	{ 0x1f3cf, 0x1f3d3 },
	{ 0x1f3e0, 0x1f3f0 },
	{ 0x1f3f4, 0x1f3f4 },
	{ 0x1f3f8, 0x1f43e },
	{ 0x1f440, 0x1f440 },
	{ 0x1f442, 0x1f4fc },
	{ 0x1f4ff, 0x1f53d },
	{ 0x1f54b, 0x1f54e },
	{ 0x1f550, 0x1f567 },
	{ 0x1f57a, 0x1f57a },
	{ 0x1f595, 0x1f596 },
	{ 0x1f5a4, 0x1f5a4 },
	{ 0x1f5fb, 0x1f64f },
	{ 0x1f680, 0x1f6c5 },
	{ 0x1f6cc, 0x1f6cc },
	{ 0x1f6d0, 0x1f6d2 },
	{ 0x1f6d5, 0x1f6d7 },
	{ 0x1f6eb, 0x1f6ec },
	{ 0x1f6f4, 0x1f6fc },
	{ 0x1f7e0, 0x1f7eb },
	{ 0x1f90c, 0x1f93a },
	{ 0x1f93c, 0x1f945 },
	{ 0x1f947, 0x1f9ff },
	{ 0x1fa70, 0x1faff },
	{ 0x20000, 0x3fffd },
};

/* Marks of the scripts that are written with few of them; those of others
 * are spelled out, since terminals differ about their columns. */
static const struct range mark_ranges[] = {
	{ 0x300, 0x34e },
	{ 0x350, 0x36f },
	{ 0x483, 0x487 },
	{ 0x591, 0x5bd },
	{ 0x5bf, 0x5bf },
	{ 0x5c1, 0x5c2 },
	{ 0x5c4, 0x5c5 },
	{ 0x64b, 0x65f },
	{ 0x3099, 0x309a },
};

/* Blocks in which all is one column and of its own: the rest is spelled out,
 * for what a terminal makes of it cannot be known. */
static const struct range plain_ranges[] = {
	{ 0xa1, 0x2ff },
	{ 0x370, 0x482 },
	{ 0x48a, 0x58f },
	{ 0x5be, 0x5be },
	{ 0x5d0, 0x5ea },
	{ 0x620, 0x64a },
	{ 0x660, 0x66f },
	{ 0x671, 0x6d5 },
	{ 0x10a0, 0x10ff },
	{ 0x13a0, 0x13ff },
	{ 0x1e00, 0x1fff },
	{ 0x2010, 0x2027 },
	{ 0x2030, 0x205e },
	{ 0x2070, 0x20bf },
	{ 0x2100, 0x27ff },
	{ 0x2900, 0x2bff },
	{ 0x2c60, 0x2c7f },
	{ 0xa720, 0xa7ff },
	{ 0xab30, 0xab6f },
	{ 0xfb00, 0xfb06 },
	{ 0xff61, 0xff9f },
};

static bool
is_in(const struct range *ranges, size_t count, uint32_t cp)
{
	size_t low = 0, high = count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (cp > ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && cp >= ranges[low].first;
}

int
safe_width(uint32_t cp)
{
	if (cp >= 0x20 && cp < 0x7f)
		return 1;
	if (text_is_hidden(cp))
		return -1;
	if (is_in(wide_ranges, ARRAY_LEN(wide_ranges), cp))
		return 2;
	if (is_in(mark_ranges, ARRAY_LEN(mark_ranges), cp))
		return 0;
	if (is_in(plain_ranges, ARRAY_LEN(plain_ranges), cp))
		return 1;
	return -1;
}

void
safe_style(struct buf *out, enum style style)
{
	buf_putc(out, (char)style);
}

/* ---- spelling out -------------------------------------------------------- */

static const char *
control_name(uint32_t cp)
{
	static const char *const names[] = { "NUL", "SOH", "STX", "ETX", "EOT",
		"ENQ", "ACK", "BEL", "BS", "TAB", "NEWLINE", "VT", "FF", "CR",
		"SO", "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN",
		"ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US" };

	if (cp == 0x7f)
		return "DEL";
	return cp < ARRAY_LEN(names) ? names[cp] : NULL;
}

/* One run through a text. */
struct writer {
	struct buf *out;
	const struct safe_how *how;
	enum style style, now;
	size_t columns, marks;
	unsigned notes;
	bool joined_to; /* a mark has something to join */
	bool only_tabs; /* nothing but tabs and blanks so far */
};

static void
switch_to(struct writer *w, enum style style)
{
	if (w->now != style)
		safe_style(w->out, style);
	w->now = style;
}

static void
put_escape(struct writer *w, const char *text)
{
	switch_to(w, STYLE_HIDDEN);
	buf_puts(w->out, text);
	w->columns += strlen(text);
	w->notes |= SAFE_HAS_HIDDEN;
	w->joined_to = false;
}

static void
escape_code(struct writer *w, uint32_t cp)
{
	const char *name = control_name(cp);
	char text[ESCAPE_BYTES];

	if (name != NULL)
		(void)snprintf(text, sizeof(text), "<%s>", name);
	else
		(void)snprintf(text, sizeof(text), "<U+%04X>", (unsigned)cp);
	put_escape(w, text);
}

static void
escape_byte(struct writer *w, unsigned char byte)
{
	char text[ESCAPE_BYTES];

	(void)snprintf(text, sizeof(text), "<x%02X>", (unsigned)byte);
	put_escape(w, text);
}

/* A run of spaces may push what follows out of sight. */
static bool
put_spaces(struct writer *w, struct str text, size_t *at)
{
	size_t end = *at;
	char told[ESCAPE_BYTES];

	while (end < text.len && text.s[end] == ' ')
		end++;
	if (end - *at <= SPACES_SHOWN_MAX)
		return false;
	(void)snprintf(told, sizeof(told), "<%zu SPACES>", end - *at);
	put_escape(w, told);
	*at = end;
	return true;
}

static void
put_code(struct writer *w, uint32_t cp, bool alike)
{
	const int width = safe_width(cp);
	const bool beyond = cp >= 0x80 && !w->how->utf8;

	w->marks = width == 0 ? w->marks + 1 : 0;
	if (width < 0 || beyond ||
	    (width == 0 && (!w->joined_to || w->marks > MARKS_MAX))) {
		escape_code(w, cp);
		return;
	}
	if (width > 0)
		switch_to(w, alike ? STYLE_ALIKE : w->style);
	text_encode(w->out, cp);
	w->columns += (size_t)width;
	w->joined_to = cp != ' ';
}

/* One character at *at, which moves on. */
static void
put_next(struct writer *w, struct str text, size_t *at,
    const struct alike_word *word)
{
	const size_t from = *at;
	int32_t cp;

	if (text.s[from] == ' ' && put_spaces(w, text, at))
		return;
	cp = text_decode(text, at);
	if (cp < 0) {
		escape_byte(w, (unsigned char)text.s[from]);
		return;
	}
	/* before a line it only indents, and people write it so */
	if (cp == '\t' && w->only_tabs) {
		const unsigned notes = w->notes;

		put_escape(w, "<TAB>");
		w->notes = notes;
		return;
	}
	w->only_tabs = w->only_tabs && cp == ' ';
	const bool alike = alike_marks(word, (uint32_t)cp);

	if (alike)
		w->notes |= SAFE_HAS_ALIKE;
	put_code(w, (uint32_t)cp, alike);
}

unsigned
safe_text(struct buf *out, struct str text, const struct safe_how *how)
{
	struct writer w = {
		.out = out,
		.how = how,
		.style = how->style != 0 ? how->style : STYLE_PLAIN,
		.only_tabs = true,
	};
	struct alike_word word = { 0 };
	size_t at = 0;

	switch_to(&w, w.style);
	while (at < text.len) {
		if (how->cut != 0 && w.columns + 1 >= how->cut &&
		    text.len - at > how->cut - w.columns) {
			switch_to(&w, STYLE_DIM);
			buf_puts(out, "~");
			w.notes |= SAFE_WAS_CUT;
			break;
		}
		if (at >= word.end)
			alike_word(text, at, &word);
		put_next(&w, text, &at, &word);
	}
	switch_to(&w, w.style);
	return w.notes;
}

unsigned
safe_cstr(struct buf *out, const char *text, const struct safe_how *how)
{
	return safe_text(out, str_of(text), how);
}
