/*
 * Arguments under construction: field splitting, patterns, joining.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <assert.h>
#include <string.h>

void
words_add(struct norm *n, struct words *ws, const struct shell_word *w)
{
	if (ws->count == ws->cap) {
		const uint32_t cap = ws->cap == 0 ? 8 : ws->cap * 2;
		struct shell_word *const more =
		    norm_alloc(n, cap, sizeof(*more));

		if (more == NULL)
			return;
		if (ws->count > 0)
			memcpy(more, ws->w, ws->count * sizeof(*more));
		ws->w = more;
		ws->cap = cap;
	}
	ws->w[ws->count++] = *w;
}

void
words_reserve(struct norm *n, struct words *ws, uint32_t count)
{
	if (count == 0 || ws->cap > 0)
		return;
	ws->w = norm_alloc(n, count, sizeof(*ws->w));
	ws->cap = ws->w == NULL ? 0 : count;
}

static struct shell_piece *
builder_slot(struct norm *n, struct builder *b, bool active)
{
	if (b->count == b->cap) {
		const uint32_t cap = b->cap == 0 ? 4 : b->cap * 2;
		struct shell_piece *const p = norm_alloc(n, cap, sizeof(*p));
		bool *const act = norm_alloc(n, cap, sizeof(*act));

		if (p == NULL || act == NULL)
			return NULL;
		if (b->count > 0) {
			memcpy(p, b->pieces, b->count * sizeof(*p));
			memcpy(act, b->active, b->count * sizeof(*act));
		}
		b->pieces = p;
		b->active = act;
		b->cap = cap;
	}
	b->active[b->count] = active;
	return &b->pieces[b->count++];
}

void
builder_text(struct norm *n, struct builder *b, struct str s, bool active)
{
	struct shell_piece *p;

	b->started = true;
	if (s.len == 0)
		return;
	if (b->count > 0 && b->active[b->count - 1] == active) {
		p = &b->pieces[b->count - 1];
		if (p->kind == PIECE_TEXT && p->text.s + p->text.len == s.s) {
			p->text.len += s.len;
			return;
		}
	}
	p = builder_slot(n, b, active);
	if (p == NULL)
		return;
	*p = (struct shell_piece){
		.kind = PIECE_TEXT,
		.text = s,
		.part = SHELL_NO_PART,
	};
}

void
builder_piece(
    struct norm *n, struct builder *b, const struct shell_piece *piece)
{
	struct shell_piece *p;

	b->started = true;
	p = builder_slot(n, b, false);
	if (p != NULL)
		*p = *piece;
}

void
builder_value(struct norm *n, struct builder *b, const struct value *v)
{
	b->flags |= v->flags;
	for (uint32_t i = 0; i < v->count; i++) {
		if (v->pieces[i].kind == PIECE_TEXT)
			builder_text(n, b, v->pieces[i].text, false);
		else
			builder_piece(n, b, &v->pieces[i]);
	}
}

/* ---- splitting --------------------------------------------------------- */

static bool
ifs_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static bool
has_digit(struct str ifs)
{
	for (size_t i = 0; i < ifs.len; i++) {
		if ((ifs.s[i] >= '0' && ifs.s[i] <= '9') || ifs.s[i] == '-')
			return true;
	}
	return false;
}

/*
 * Splits s by the characters of ifs. Blanks at the ends of fields vanish;
 * any other separator ends a field, also an empty one.
 */
static void
split_text(struct norm *n, struct builder *b, struct str s, struct str ifs)
{
	size_t i = 0;

	while (i < s.len && !norm_stopped(n)) {
		const size_t from = i;

		while (i < s.len && str_find(ifs, s.s[i]) == ifs.len)
			i++;
		if (i > from)
			builder_text(n, b, str_n(s.s + from, i - from), true);
		if (i == s.len)
			break;
		bool hard = false;

		while (i < s.len && str_find(ifs, s.s[i]) < ifs.len) {
			if (!ifs_blank(s.s[i])) {
				if (hard)
					break;
				hard = true;
			}
			i++;
		}
		if (hard)
			b->started = true;
		builder_break(n, b);
	}
}

void
builder_split(struct norm *n, struct builder *b, const struct value *v)
{
	const struct value ifs_value = var_value(n, STR("IFS"));
	struct str ifs;
	const bool known = value_known(n, &ifs_value, &ifs);

	if (b->out == NULL) {
		builder_value(n, b, v);
		return;
	}
	b->flags |= v->flags;
	for (uint32_t i = 0; i < v->count; i++) {
		struct shell_piece p = v->pieces[i];

		if (p.kind == PIECE_TEXT && known) {
			split_text(n, b, p.text, ifs);
			continue;
		}
		if (p.kind == PIECE_TEXT)
			p.kind = PIECE_UNKNOWN;
		/* An unknown text that vanishes leaves no argument. */
		const bool was = b->started;

		builder_piece(n, b, &p);
		if (p.kind == PIECE_DIGITS && known && !has_digit(ifs))
			continue;
		b->started = was;
		b->flags |= WORD_SPLIT;
	}
}

/* ---- patterns ---------------------------------------------------------- */

struct finish {
	struct shell_piece *pieces;
	uint32_t count;
	unsigned flags;
	/* TEXT that is being joined: slices [first, last) of the builder */
	char *join;
	size_t join_len;
	struct str slice; /* one slice only: no copy needed */
};

static void
finish_flush(struct finish *f)
{
	struct str t = f->slice;

	if (f->join != NULL) {
		t = str_n(f->join, f->join_len);
		f->join += f->join_len;
		f->join_len = 0;
	}
	f->slice = STR_NONE;
	if (t.len == 0)
		return;
	f->pieces[f->count++] = (struct shell_piece){
		.kind = PIECE_TEXT,
		.text = t,
		.part = SHELL_NO_PART,
	};
}

static void
finish_text(struct finish *f, struct str s)
{
	if (s.len == 0)
		return;
	if (f->join == NULL) {
		assert(f->slice.len == 0);
		f->slice = s;
		return;
	}
	memcpy(f->join + f->join_len, s.s, s.len);
	f->join_len += s.len;
}

static void
finish_piece(struct finish *f, const struct shell_piece *p)
{
	finish_flush(f);
	f->pieces[f->count++] = *p;
	f->flags |= WORD_DYNAMIC;
}

/* The length of the bracket expression at s[i], 0 when there is none. */
static size_t
bracket_len(struct str s, size_t i)
{
	size_t j = i + 1;

	if (j < s.len && (s.s[j] == '!' || s.s[j] == '^'))
		j++;
	if (j < s.len && s.s[j] == ']')
		j++;
	while (j < s.len && s.s[j] != ']') {
		if (s.s[j] == '/')
			return 0;
		if (s.s[j] == '[' && j + 1 < s.len && s.s[j + 1] == ':') {
			while (j < s.len && s.s[j] != ']')
				j++;
		}
		j++;
	}
	return j < s.len ? j + 1 - i : 0;
}

/* How many pieces the patterns in s make at most. */
static uint32_t
pattern_pieces(struct str s)
{
	uint32_t count = 1;

	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '*' || s.s[i] == '?' || s.s[i] == '[')
			count += 2;
	}
	return count;
}

static void
finish_pattern(struct finish *f, struct str pattern)
{
	const bool deep = str_search(pattern, STR("**")) < pattern.len;
	const struct shell_piece p = {
		.kind = deep ? PIECE_BELOW : PIECE_GLOB,
		.text = pattern,
		.part = SHELL_NO_PART,
	};

	finish_piece(f, &p);
	f->flags |= WORD_GLOB;
}

/*
 * Text with active patterns. False: from here on nothing is certain (a
 * bracket that other pieces may close).
 */
static bool
finish_active(struct finish *f, struct str s, bool more)
{
	size_t from = 0, i = 0;

	while (i < s.len) {
		size_t len = 0;

		if (s.s[i] == '*' || s.s[i] == '?') {
			while (i + len < s.len &&
			    (s.s[i + len] == '*' || s.s[i + len] == '?'))
				len++;
		} else if (s.s[i] == '[') {
			len = bracket_len(s, i);
			if (len == 0 && more) {
				finish_text(f, str_n(s.s + from, i - from));
				return false;
			}
		}
		if (len == 0) {
			i++;
			continue;
		}
		finish_text(f, str_n(s.s + from, i - from));
		finish_pattern(f, str_n(s.s + i, len));
		i += len;
		from = i;
	}
	finish_text(f, str_n(s.s + from, i - from));
	return true;
}

/* True when something behind piece i could close a bracket. */
static bool
may_close(const struct builder *b, uint32_t i)
{
	for (i++; i < b->count; i++) {
		if (b->pieces[i].kind != PIECE_TEXT ||
		    str_find(b->pieces[i].text, ']') < b->pieces[i].text.len)
			return true;
	}
	return false;
}

static void
finish_rest_unknown(
    struct norm *n, struct finish *f, const struct builder *b, uint32_t i)
{
	const struct value rest = {
		.pieces = b->pieces + i,
		.count = b->count - i,
	};
	const struct shell_piece p = {
		.kind = PIECE_UNKNOWN,
		.text = value_likely(n, &rest),
		.part = SHELL_NO_PART,
	};

	finish_piece(f, &p);
	f->flags |= WORD_GLOB;
}

static bool
has_pattern(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '*' || s.s[i] == '?' || s.s[i] == '[')
			return true;
	}
	return false;
}

/* Adjacent texts become one, patterns get pieces of their own. */
static bool
finish_pieces(struct norm *n, const struct builder *b, struct finish *f)
{
	uint32_t max = b->count;
	size_t text = 0;
	bool one = true;

	for (uint32_t i = 0; i < b->count; i++) {
		const struct shell_piece *const p = &b->pieces[i];

		if (p->kind != PIECE_TEXT)
			continue;
		text += p->text.len;
		one = one && (i == 0 || b->pieces[i - 1].kind != PIECE_TEXT);
		if (b->active[i] && b->out != NULL)
			max += pattern_pieces(p->text);
	}
	f->pieces = norm_alloc(n, max, sizeof(*f->pieces));
	if (f->pieces == NULL)
		return false;
	if (!one) {
		f->join = norm_text(n, text);
		if (f->join == NULL)
			return false;
	}
	for (uint32_t i = 0; i < b->count; i++) {
		const struct shell_piece *const p = &b->pieces[i];

		if (p->kind != PIECE_TEXT) {
			finish_piece(f, p);
		} else if (!b->active[i] || b->out == NULL ||
		    !has_pattern(p->text)) {
			finish_text(f, p->text);
		} else if (!finish_active(f, p->text, may_close(b, i))) {
			finish_rest_unknown(n, f, b, i);
			break;
		}
	}
	finish_flush(f);
	return true;
}

bool
word_all_unknown(const struct shell_word *w)
{
	for (size_t i = 0; i < w->piece_count; i++) {
		if (w->pieces[i].kind == PIECE_TEXT ||
		    w->pieces[i].kind == PIECE_DIGITS)
			return false;
	}
	return true;
}

/* Ends the field; an empty one counts only if something was quoted in it. */
void
builder_break(struct norm *n, struct builder *b)
{
	struct finish f = { .flags = b->flags };
	struct shell_word w;

	if (b->out == NULL)
		return;
	if (b->count > 0 || b->started) {
		if (b->count > 0 && !finish_pieces(n, b, &f))
			return;
		const struct value v = {
			.pieces = f.pieces,
			.count = f.count,
		};

		w = word_of_value(n, &v);
		w.flags = (w.flags & WORD_DYNAMIC) | f.flags;
		if (b->may_vanish && (b->count == 0 || word_all_unknown(&w)))
			w.flags |= WORD_SPLIT;
		words_add(n, b->out, &w);
	}
	b->count = 0;
	b->started = false;
	b->may_vanish = false;
	b->flags &= WORD_SUBST | WORD_QUOTED;
}

struct value
builder_done_value(struct norm *n, struct builder *b)
{
	struct finish f = { .flags = b->flags };
	struct value v = { .flags = b->flags & WORD_SUBST };

	if (b->count == 0 || !finish_pieces(n, b, &f))
		return v;
	v.pieces = f.pieces;
	v.count = f.count;
	return v;
}
