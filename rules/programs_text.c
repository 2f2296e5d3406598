/*
 * The small language of program entries: options, operands, acts.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing; all in the arena.
 *
 *     -o|--output=  -a|--append  -W*  -i|--in-place[=]   : write, +connect
 */
#include "programs_int.h"

#define ACTS_MAX 16
#define OPTIONS_MAX 2000
#define OPERANDS_MAX 12

static int
complain(struct text_ctx *t, const char *what, struct str text)
{
	yaml_diag(t->d, t->at, DIAG_ERROR, "E110", NULL, "%s: '%.*s'", what,
	    STR_ARG(text));
	return err_at(t->e, t->at->file, t->at->line, t->at->col, "%s: '%.*s'",
	    what, STR_ARG(text));
}

static struct str
keep(struct text_ctx *t, struct str s)
{
	return str_n(
	    arena_strndup(t->arena, s.s == NULL ? "" : s.s, s.len), s.len);
}

/* "kind:class target (why)" */
static int
fixed_parse(struct text_ctx *t, struct str text, struct act *ret)
{
	struct str rest = text, why = STR_NONE, head, class;
	const size_t paren = str_find(text, '(');

	if (paren < text.len && text.s[text.len - 1] == ')') {
		why = str_n(text.s + paren + 1, text.len - paren - 2);
		rest = str_trim(str_head(text, paren));
	}
	head = str_cut(&rest, ' ');
	rest = str_trim(rest);
	class = head;
	head = str_cut(&class, ':');
	*ret = (struct act){ .role = NULL };
	ret->fixed.kind = effect_kind_of(head);
	if (ret->fixed.kind == EFFECT_INVALID)
		return complain(t, "unknown effect", text);
	if (class.len > 0) {
		if (ret->fixed.kind == EFFECT_RUN_CODE)
			ret->fixed.code_class = code_class_of(class);
		else
			ret->fixed.path_class = path_class_of(class);
		if (ret->fixed.path_class == PATH_NONE &&
		    ret->fixed.code_class == CODE_NONE)
			return complain(t, "unknown class", text);
	}
	if (rest.len > 0)
		ret->fixed.target = keep(t, rest).s;
	if (why.len > 0)
		ret->fixed.why = keep(t, why).s;
	return ERR_OK;
}

static int
act_parse(struct text_ctx *t, struct str text, bool fixed, struct act *ret)
{
	struct str param = text, name;

	if (fixed || (text.len > 0 && text.s[0] == '+'))
		return fixed_parse(
		    t, text.s[0] == '+' ? str_from(text, 1) : text, ret);
	name = str_cut(&param, ':');
	*ret = (struct act){ .role = role_find(name) };
	if (ret->role == NULL)
		return complain(t, "unknown role", text);
	ret->param = keep(t, param);
	return ERR_OK;
}

static int
acts_keep(
    struct text_ctx *t, const struct act *items, size_t n, struct acts *ret)
{
	ret->items = arena_array(t->arena, n, sizeof(*items));
	if (ret->items == NULL)
		return err_nomem(t->e);
	if (n > 0)
		memcpy(ret->items, items, n * sizeof(*items));
	ret->count = n;
	return ERR_OK;
}

int
acts_parse(struct text_ctx *t, struct str text, bool fixed, struct acts *ret)
{
	struct act items[ACTS_MAX];
	size_t n = 0;

	while (text.len > 0) {
		const struct str one = str_trim(str_cut(&text, ','));
		int r;

		if (one.len == 0)
			continue;
		if (n == ACTS_MAX)
			return complain(t, "too many acts", one);
		r = act_parse(t, one, fixed, &items[n++]);
		if (r != ERR_OK)
			return r;
	}
	return acts_keep(t, items, n, ret);
}

int
operands_parse(struct text_ctx *t, struct str text, struct operand_spec *ret)
{
	struct act items[OPERANDS_MAX];
	size_t n = 0;

	*ret = (struct operand_spec){ .repeat = SIZE_MAX, .set = true };
	text = str_trim(text);
	while (text.len > 0) {
		struct str one = str_cut(&text, ' ');
		int r;

		text = str_trim(text);
		if (n == OPERANDS_MAX)
			return complain(t, "too many operands", one);
		if (str_ends(one, STR("*"))) {
			if (ret->repeat != SIZE_MAX)
				return complain(t, "two repeat", one);
			ret->repeat = n;
			one.len--;
		} else if (str_ends(one, STR("?"))) {
			ret->optional++;
			one.len--;
		}
		r = act_parse(t, one, false, &items[n++]);
		if (r != ERR_OK)
			return r;
	}
	return acts_keep(t, items, n, &ret->roles);
}

/* While the lines of one entry are read. */
struct building {
	struct option *options;
	size_t option_count, option_cap;
	struct option_name *names;
	size_t name_count, name_cap;
};

static void
building_free(struct building *b)
{
	free(b->options);
	free(b->names);
}

static int
name_add(
    struct text_ctx *t, struct building *b, struct str name, uint16_t option)
{
	struct option_name *n;

	if (mem_grow(&b->names, &b->name_cap, b->name_count + 1,
		sizeof(*b->names)) != 0)
		return err_nomem(t->e);
	n = &b->names[b->name_count++];
	n->option = option;
	n->prefix = name.len > 1 && name.s[name.len - 1] == '*';
	if (n->prefix)
		name.len--;
	if (name.len < 1 ||
	    (name.s[0] != '-' && name.s[0] != '+' && name.len > 60))
		return complain(t, "not an option", name);
	n->name = keep(t, name);
	return n->name.s == NULL ? err_nomem(t->e) : ERR_OK;
}

/* One "-o|--output=" */
static int
option_add(struct text_ctx *t, struct building *b, struct str text,
    const struct acts *acts)
{
	struct option *o;
	struct str last = STR_NONE, last_long = STR_NONE;
	const uint16_t index = (uint16_t)b->option_count;

	if (b->option_count >= OPTIONS_MAX)
		return complain(t, "too many options", text);
	if (mem_grow(&b->options, &b->option_cap, b->option_count + 1,
		sizeof(*b->options)) != 0)
		return err_nomem(t->e);
	o = &b->options[b->option_count++];
	*o = (struct option){ .acts = *acts };
	if (str_ends(text, STR("[=]"))) {
		o->value = VALUE_OPTIONAL;
		text.len -= 3;
	} else if (str_ends(text, STR("="))) {
		o->value = VALUE_REQUIRED;
		text.len--;
	}
	while (text.len > 0) {
		const struct str name = str_cut(&text, '|');
		const int r = name_add(t, b, name, index);

		if (r != ERR_OK)
			return r;
		last = b->names[b->name_count - 1].name;
		if (str_starts(last, STR("--")))
			last_long = last;
	}
	o = &b->options[index];
	o->canonical = last_long.len > 0 ? last_long : last;
	return ERR_OK;
}

static int
line_parse(struct text_ctx *t, struct building *b, struct str line)
{
	const size_t colon = str_search(line, STR(" : "));
	struct str names = str_head(line, colon);
	struct acts acts = { NULL, 0 };
	int r = ERR_OK;

	if (colon < line.len)
		r = acts_parse(t, str_from(line, colon + 3), false, &acts);
	names = str_trim(names);
	while (names.len > 0 && r == ERR_OK) {
		const struct str one = str_cut(&names, ' ');

		if (one.len > 0)
			r = option_add(t, b, one, &acts);
	}
	return r;
}

static int
by_name(const void *a, const void *b)
{
	const struct option_name *x = a, *y = b;

	return str_cmp(x->name, y->name);
}

static int
building_keep(struct text_ctx *t, struct building *b, struct entry *en)
{
	en->options =
	    arena_array(t->arena, b->option_count, sizeof(*en->options));
	en->names = arena_array(t->arena, b->name_count, sizeof(*en->names));
	if (en->options == NULL || en->names == NULL)
		return err_nomem(t->e);
	if (b->option_count > 0)
		memcpy(en->options, b->options,
		    b->option_count * sizeof(*en->options));
	if (b->name_count > 0) {
		qsort(b->names, b->name_count, sizeof(*b->names), by_name);
		memcpy(en->names, b->names, b->name_count * sizeof(*en->names));
	}
	for (size_t i = 1; i < b->name_count; i++) {
		if (str_eq(en->names[i].name, en->names[i - 1].name) &&
		    en->names[i].prefix == en->names[i - 1].prefix)
			return complain(
			    t, "option listed twice", en->names[i].name);
	}
	en->option_count = b->option_count;
	en->name_count = b->name_count;
	return ERR_OK;
}

int
options_parse(struct text_ctx *t, struct str text, struct entry *en)
{
	AUTO(building_free) struct building b = { 0 };
	int r = ERR_OK;

	while (text.len > 0 && r == ERR_OK) {
		const struct str line = str_trim(str_cut(&text, '\n'));

		if (line.len > 0 && line.s[0] != '#')
			r = line_parse(t, &b, line);
	}
	if (r == ERR_OK)
		r = building_keep(t, &b, en);
	for (size_t i = 0; i < en->option_count; i++) {
		const struct acts *a = &en->options[i].acts;

		for (size_t k = 0; k < a->count; k++)
			en->harmful = en->harmful || a->items[k].role == NULL ||
			    a->items[k].role->harmful;
	}
	return r;
}
