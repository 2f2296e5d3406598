/*
 * Which option of an entry a word is.
 * Runs in: engine, assent.  Trusts: the tables.  Owns: nothing.
 */
#include "programs_int.h"

/* Index of the first name that is not less than the word. */
static size_t
lower_bound(const struct entry *en, struct str name)
{
	size_t lo = 0, hi = en->name_count;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(en->names[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct option *
exact_option(const struct entry *en, struct str name)
{
	const size_t i = lower_bound(en, name);

	if (i < en->name_count && str_eq(en->names[i].name, name))
		return &en->options[en->names[i].option];
	return NULL;
}

/* "--outp" for "--output"; of several with different acts, none. */
static const struct option *
abbreviated(const struct entry *en, struct str name, bool *ambiguous)
{
	const struct option *found = NULL;

	if (!str_starts(name, STR("--")) || name.len < 3)
		return NULL;
	for (size_t i = lower_bound(en, name);
	     i < en->name_count && str_starts(en->names[i].name, name); i++) {
		const struct option *o = &en->options[en->names[i].option];

		if (en->names[i].prefix)
			continue;
		if (found != NULL && found != o)
			*ambiguous = true;
		if (found == NULL || o->acts.count > found->acts.count)
			found = o;
	}
	return found;
}

static const struct option *
find_at(const struct entry *en, struct str name, bool *ambiguous)
{
	const struct option *o = exact_option(en, name);

	if (o == NULL && (en->style & STYLE_WORD) != 0 &&
	    str_starts(name, STR("--")))
		o = exact_option(en, str_from(name, 1));
	if (o == NULL && (en->style & STYLE_EXACT) == 0)
		o = abbreviated(en, name, ambiguous);
	return o;
}

/* Whose options a subcommand takes, too. */
static const struct entry *
parent_of(const struct entry *en)
{
	return en->parent != NULL && (en->parent->style & STYLE_OWN) == 0
	    ? en->parent
	    : NULL;
}

const struct option *
entry_option(const struct entry *en, struct str name, bool *ambiguous)
{
	const struct option *o = NULL;

	for (; en != NULL && o == NULL; en = parent_of(en))
		o = find_at(en, name, ambiguous);
	return o;
}

const struct option *
entry_prefix(const struct entry *en, struct str text, size_t *ret_len)
{
	for (; en != NULL; en = parent_of(en)) {
		const struct option_name *best = NULL;

		for (size_t i = 0; i < en->name_count; i++) {
			const struct option_name *n = &en->names[i];

			if (n->prefix && str_starts(text, n->name) &&
			    (best == NULL || n->name.len > best->name.len))
				best = n;
		}
		if (best != NULL) {
			*ret_len = best->name.len;
			return &en->options[best->option];
		}
	}
	return NULL;
}

const struct entry *
entry_sub(const struct entry *en, struct str name)
{
	size_t lo = 0, hi = en->sub_exact;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const int order = str_cmp(en->subs[mid].name, name);

		if (order == 0)
			return en->subs[mid].entry;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t i = en->sub_exact; i < en->sub_count; i++) {
		if (path_glob_match(en->subs[i].name, name, false))
			return en->subs[i].entry;
	}
	return NULL;
}
