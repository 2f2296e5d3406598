/*
 * Patterns over text, paths and host names.
 * Runs in: every program that judges.  Trusts: nothing.  Owns: nothing.
 *
 * Matching keeps the set of places in the pattern that the text read so far
 * can have led to; it never goes back, so no pattern is slow.
 */
#include "glob.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define WORD_BITS 64
#define STATE_WORDS (GLOB_BYTES_MAX / WORD_BITS + 1)

struct states {
	uint64_t bits[STATE_WORDS];
};

static void
states_add(struct states *s, size_t i)
{
	s->bits[i / WORD_BITS] |= (uint64_t)1 << (i % WORD_BITS);
}

static bool
states_has(const struct states *s, size_t i)
{
	return (s->bits[i / WORD_BITS] >> (i % WORD_BITS) & 1) != 0;
}

/* One element of a pattern, and where the next begins. */
struct element {
	enum {
		ELEMENT_CHAR,
		ELEMENT_ANY, /* ? */
		ELEMENT_SET, /* [ ] */
		ELEMENT_STAR, /* * */
		ELEMENT_STARS, /* ** */
	} kind;
	unsigned char c;
	size_t from, to; /* of the set, inside the brackets */
	size_t next;
};

/* The index of the ']' that ends the set whose '[' is at i, or len. */
static size_t
set_end(struct str p, size_t i)
{
	size_t j = i + 1;

	if (j < p.len && (p.s[j] == '!' || p.s[j] == '^'))
		j++;
	if (j < p.len && p.s[j] == ']')
		j++;
	while (j < p.len && p.s[j] != ']')
		j++;
	return j;
}

static struct element
element_at(struct str p, size_t i)
{
	struct element el = { .kind = ELEMENT_CHAR, .next = i + 1 };

	el.c = (unsigned char)p.s[i];
	if (el.c == '\\' && i + 1 < p.len) {
		el.c = (unsigned char)p.s[i + 1];
		el.next = i + 2;
	} else if (el.c == '?') {
		el.kind = ELEMENT_ANY;
	} else if (el.c == '*') {
		el.kind = ELEMENT_STAR;
		while (el.next < p.len && p.s[el.next] == '*') {
			el.kind = ELEMENT_STARS;
			el.next++;
		}
	} else if (el.c == '[' && set_end(p, i) < p.len) {
		el.kind = ELEMENT_SET;
		el.from = i + 1;
		el.to = set_end(p, i);
		el.next = el.to + 1;
	}
	return el;
}

static bool
set_has(struct str p, const struct element *el, unsigned char c)
{
	size_t i = el->from;
	const bool negated = p.s[i] == '!' || p.s[i] == '^';
	bool found = false;

	if (negated)
		i++;
	while (i < el->to) {
		const unsigned char lo = (unsigned char)p.s[i];
		unsigned char hi = lo;

		if (i + 2 < el->to && p.s[i + 1] == '-') {
			hi = (unsigned char)p.s[i + 2];
			i += 2;
		}
		found = found || (c >= lo && c <= hi);
		i++;
	}
	return found != negated;
}

static unsigned char
fold(enum glob_style style, unsigned char c)
{
	return style == GLOB_HOST ? (unsigned char)tolower(c) : c;
}

/* Does this element take the byte c? Stars are handled by the caller. */
static bool
takes(const struct glob *g, const struct element *el, unsigned char c)
{
	const bool slash = g->style == GLOB_PATH && c == '/';

	switch (el->kind) {
	case ELEMENT_CHAR:
		return fold(g->style, el->c) == c;
	case ELEMENT_SET:
		return !slash && set_has(g->text, el, c);
	case ELEMENT_ANY:
	case ELEMENT_STAR:
		return !slash;
	case ELEMENT_STARS:
		return true;
	}
	return false;
}

/* Between slashes, or at the start: "a/" "**" "/b" also means "a/b". */
static bool
may_vanish(const struct glob *g, size_t at, const struct element *el)
{
	return el->kind == ELEMENT_STARS && g->style == GLOB_PATH &&
	    (at == 0 || g->text.s[at - 1] == '/') && el->next < g->text.len &&
	    g->text.s[el->next] == '/';
}

/* Place i, and those behind stars that may match nothing. */
static void
reach(const struct glob *g, struct states *s, size_t i)
{
	while (!states_has(s, i)) {
		states_add(s, i);
		if (i >= g->text.len)
			return;
		const struct element el = element_at(g->text, i);

		if (el.kind != ELEMENT_STAR && el.kind != ELEMENT_STARS)
			return;
		if (may_vanish(g, i, &el))
			reach(g, s, el.next + 1);
		i = el.next;
	}
}

/* From place i by the byte c, if it takes that. */
static bool
step_from(const struct glob *g, size_t i, struct states *to, unsigned char c)
{
	const struct element el = element_at(g->text, i);
	const bool star = el.kind == ELEMENT_STAR || el.kind == ELEMENT_STARS;

	if (!takes(g, &el, c))
		return false;
	reach(g, to, star ? i : el.next);
	return true;
}

/* The places after one more byte; false when there is none left. */
static bool
step(const struct glob *g, const struct states *from, struct states *to,
    unsigned char c)
{
	bool any = false;

	for (size_t w = 0; w <= g->text.len / WORD_BITS; w++)
		to->bits[w] = 0;
	for (size_t w = 0; w <= g->text.len / WORD_BITS; w++) {
		uint64_t rest = from->bits[w];

		for (; rest != 0; rest &= rest - 1) {
			const size_t i =
			    w * WORD_BITS + (size_t)__builtin_ctzll(rest);

			any =
			    (i < g->text.len && step_from(g, i, to, c)) || any;
		}
	}
	return any;
}

static bool
ordinary(char c)
{
	return strchr("*?[]\\", c) == NULL;
}

/* Most texts differ from a pattern in their first or their last byte. */
static bool
ends_differ(const struct glob *g, struct str text)
{
	const struct str p = g->text;
	const char first = p.s[0], last = p.s[p.len - 1];

	if (text.len == 0)
		return ordinary(first);
	if (ordinary(first) &&
	    fold(g->style, (unsigned char)first) !=
		fold(g->style, (unsigned char)text.s[0]))
		return true;
	return ordinary(last) &&
	    fold(g->style, (unsigned char)last) !=
	    fold(g->style, (unsigned char)text.s[text.len - 1]);
}

static bool
equal_folded(const struct glob *g, struct str text)
{
	if (g->text.len != text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (fold(g->style, (unsigned char)g->text.s[i]) !=
		    fold(g->style, (unsigned char)text.s[i]))
			return false;
	}
	return true;
}

bool
glob_match(const struct glob *g, struct str text)
{
	struct states now = { 0 }, next;

	if (g->literal)
		return equal_folded(g, text);
	if (g->text.len == 0 || ends_differ(g, text))
		return g->text.len == 0 && text.len == 0;
	reach(g, &now, 0);
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c =
		    fold(g->style, (unsigned char)text.s[i]);

		if (!step(g, &now, &next, c))
			return false;
		now = next;
	}
	return states_has(&now, g->text.len);
}

int
glob_init_keep(
    struct glob *g, struct str text, enum glob_style style, struct err *e)
{
	bool literal = true;

	if (text.len == 0)
		return err_set(e, ERR_INVALID, "an empty pattern");
	if (text.len > GLOB_BYTES_MAX)
		return err_set(e, ERR_INVALID,
		    "a pattern of more than %d bytes", GLOB_BYTES_MAX);
	for (size_t i = 0; i < text.len;) {
		const struct element el = element_at(text, i);

		if (el.kind == ELEMENT_CHAR && text.s[i] == '[')
			return err_set(
			    e, ERR_INVALID, "'[' without ']' in a pattern");
		literal =
		    literal && el.kind == ELEMENT_CHAR && text.s[i] != '\\';
		i = el.next;
	}
	*g = (struct glob){ .text = text, .style = style, .literal = literal };
	return ERR_OK;
}

const char *
glob_hint(struct str text)
{
	if (text.len == 0)
		return "write what shall match, or leave it out";
	if (text.len > GLOB_BYTES_MAX)
		return "write several shorter patterns";
	return "end it with ']', or write '\\[' for the character itself";
}
