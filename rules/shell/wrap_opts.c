/*
 * The options of a wrapper, read as its row of the table says.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

#include <string.h>

bool
opts_in(const char *list, struct str name)
{
	struct str rest = str_of(list);

	while (rest.len > 0) {
		if (str_eq(str_cut(&rest, ' '), name))
			return true;
	}
	return false;
}

/* Names in list that start with prefix; *ret is the last of them. */
static unsigned
opts_prefixed(const char *list, struct str prefix, struct str *ret)
{
	struct str rest = str_of(list);
	unsigned count = 0;

	while (rest.len > 0) {
		const struct str name = str_cut(&rest, ' ');

		if (!str_starts(name, prefix))
			continue;
		*ret = name;
		count++;
	}
	return count;
}

struct shell_word
word_tail(struct norm *n, const struct shell_word *w, size_t offset)
{
	struct shell_piece *p;
	struct value v = { .count = 0 };
	struct shell_word out;
	size_t first = 0;

	if (w->piece_count == 0)
		return *w;
	p = norm_alloc(n, w->piece_count, sizeof(*p));
	if (p == NULL)
		return *w;
	memcpy(p, w->pieces, w->piece_count * sizeof(*p));
	p[0].text = str_from(p[0].text, offset);
	if (p[0].text.len == 0)
		first = 1;
	v.pieces = p + first;
	v.count = (uint32_t)(w->piece_count - first);
	out = word_of_value(n, &v);
	out.flags |= w->flags & ~(unsigned)WORD_DYNAMIC;
	return out;
}

static int
opts_bad(struct opts *o, const char *why)
{
	o->bad = why;
	return -1;
}

static int
opts_take_value(struct opts *o)
{
	if (o->at >= o->argc)
		return opts_bad(o, "an option without its value");
	if ((o->argv[o->at].flags & (WORD_SPLIT | WORD_GLOB)) != 0)
		return opts_bad(o, "an option's value that may be several");
	o->value = o->argv[o->at++];
	o->has_value = true;
	return 1;
}

static int
opts_long(struct norm *n, struct opts *o, struct str word, size_t dashes)
{
	const struct shell_word *const w = &o->argv[o->at];
	const size_t eq = str_find(word, '=');
	struct str name = str_from(str_head(word, eq), dashes);
	struct str full = name;
	const bool attached = eq < word.len;
	bool flag = opts_in(o->w->longs, name);
	bool value = opts_in(o->w->long_values, name);

	if (!attached && !shell_word_known(w))
		return opts_bad(
		    o, "an option that is not known before it runs");
	if (!flag && !value && (o->w->flags & W_ABBREV) != 0) {
		const unsigned a = opts_prefixed(o->w->longs, name, &full);
		struct str other = name;
		const unsigned b =
		    opts_prefixed(o->w->long_values, name, &other);

		flag = a == 1 && b == 0;
		value = a == 0 && b == 1;
		if (value)
			full = other;
	}
	if (!flag && !value)
		return opts_bad(o, "an option that is not known");
	o->name = full;
	o->at++;
	if (attached) {
		o->value = word_tail(n, w, eq + 1);
		o->has_value = true;
		return 1;
	}
	/* "flag and value": the value is optional and attached. */
	return value && !flag ? opts_take_value(o) : 1;
}

static int
opts_short(struct norm *n, struct opts *o, struct str word)
{
	const struct shell_word *const w = &o->argv[o->at];
	const char c = word.s[o->cluster];

	o->name = str_n(word.s + o->cluster, 1);
	o->cluster++;
	const bool last = o->cluster == word.len;

	if (strchr(o->w->short_values, c) != NULL) {
		const size_t from = o->cluster;

		o->cluster = 0;
		o->at++;
		if (last && w->piece_count == 1)
			return strchr(o->w->shorts, c) != NULL
			    ? 1
			    : opts_take_value(o);
		o->value = word_tail(n, w, from);
		o->has_value = true;
		return 1;
	}
	if (strchr(o->w->shorts, c) == NULL)
		return opts_bad(o, "an option that is not known");
	if (last) {
		if (w->piece_count != 1)
			return opts_bad(
			    o, "an option that is not known before it runs");
		o->cluster = 0;
		o->at++;
	}
	return 1;
}

int
opts_next(struct norm *n, struct opts *o)
{
	const struct shell_word *w;
	struct str word;

	o->has_value = false;
	if (o->at >= o->argc || norm_stopped(n))
		return 0;
	w = &o->argv[o->at];
	word = shell_word_prefix(w);
	if (o->cluster > 0)
		return opts_short(n, o, word);
	if (shell_word_known(w) && (word.len < 2 || word.s[0] != '-'))
		return 0;
	if (word.len == 0 || (w->flags & (WORD_SPLIT | WORD_GLOB)) != 0) {
		if (shell_word_may_be_option(w) ||
		    (w->flags & (WORD_SPLIT | WORD_GLOB)) != 0)
			return opts_bad(
			    o, "a word that could be an option or vanish");
		return 0;
	}
	if (word.s[0] != '-')
		return 0;
	if (str_eqz(word, "--") && shell_word_known(w)) {
		o->at++;
		return 0;
	}
	if (word.len >= 2 && word.s[1] == '-')
		return opts_long(n, o, word, 2);
	if ((o->w->flags & W_ONE_DASH) != 0)
		return opts_long(n, o, word, 1);
	if (word.len < 2)
		return opts_bad(
		    o, "an option that is not known before it runs");
	o->cluster = 1;
	return opts_short(n, o, word);
}

struct opts
opts_from(const struct wrapper *w, const struct shell_part *p, size_t from)
{
	return (struct opts){
		.w = w,
		.argv = p->argv,
		.argc = p->argc,
		.at = from,
	};
}

size_t
past_dashes(const struct shell_part *p, size_t at)
{
	while (at < p->argc && p->argv[at].text.len > 0 &&
	    p->argv[at].text.s[0] == '-')
		at++;
	return at;
}
