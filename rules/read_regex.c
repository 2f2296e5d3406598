/*
 * Regular expressions of rules: named pieces put in, and the place of an error
 * found again in the file.
 * Runs in: every program that loads rules.  Trusts: nothing in the file.
 * Owns: nothing; compiled ones go to the set.
 */
#include "schema.h"

/* From which byte of the file's text a byte of the expanded text comes. */
struct origin {
	size_t expanded, source;
	bool piece; /* out of a named piece: all of it is {{name}} */
};

struct expansion {
	struct buf text;
	struct origin *origins;
	size_t count, cap;
};

static void
expansion_done(struct expansion *x)
{
	buf_free(&x->text);
	free(x->origins);
}

static void
mark(struct loader *ld, struct expansion *x, size_t source, bool piece)
{
	if (mem_grow(&x->origins, &x->cap, x->count + 1, sizeof(*x->origins)) !=
	    0) {
		ld->fatal = err_nomem(ld->e);
		return;
	}
	x->origins[x->count++] = (struct origin){
		.expanded = x->text.len, .source = source, .piece = piece
	};
}

static size_t
source_of(const struct expansion *x, size_t expanded)
{
	size_t i = x->count;

	while (i > 0 && x->origins[i - 1].expanded > expanded)
		i--;
	if (i == 0)
		return 0;
	const struct origin *o = &x->origins[i - 1];

	return o->piece ? o->source : o->source + expanded - o->expanded;
}

static void
regex_finding(struct loader *ld, const struct yaml *v, size_t offset,
    const char *code, const char *hint, const char *msg)
{
	struct diag place = yaml_place(v, offset);

	place.severity = DIAG_ERROR;
	place.code = code;
	place.hint = hint;
	if (ld->errors++ == 0)
		(void)err_at(
		    ld->e, place.file, place.line, place.col, "regex: %s", msg);
	diag_add(ld->diags, &place, "regex: %s", msg);
}

static struct rule_list *
find_pattern(struct loader *ld, struct str name)
{
	for (size_t i = 0; i < ld->file->pattern_count; i++) {
		if (str_eq(ld->file->patterns[i].name, name))
			return &ld->file->patterns[i];
	}
	return NULL;
}

/* Handles the {{name}} at the offset; the offset behind it. */
static size_t
put_piece(
    struct loader *ld, const struct yaml *v, size_t at, struct expansion *x)
{
	const struct str rest = str_from(v->text, at + 2);
	const size_t len = str_search(rest, STR("}}"));
	const struct str name = str_head(rest, len);
	struct rule_list *p = find_pattern(ld, name);

	if (len == rest.len || p == NULL) {
		regex_finding(ld, v, at, "E027",
		    "name it below 'patterns:' in this file",
		    "no pattern has this name");
		return v->text.len;
	}
	p->used = true;
	if (p->broken) {
		x->text.failed = ERR_INVALID; /* said where it stands */
		return v->text.len;
	}
	mark(ld, x, at, true);
	buf_puts(&x->text, "(?:");
	buf_put_str(&x->text, p->items->text);
	buf_puts(&x->text, ")");
	mark(ld, x, at + len + 4, false);
	return at + len + 4;
}

static void
expand(struct loader *ld, const struct yaml *v, struct expansion *x)
{
	size_t at = 0;

	mark(ld, x, 0, false);
	while (at < v->text.len && ld->fatal == 0) {
		const struct str rest = str_from(v->text, at);

		if (str_starts(rest, STR("{{"))) {
			at = put_piece(ld, v, at, x);
			continue;
		}
		if (rest.s[0] == '\\' && rest.len > 1) {
			buf_put(&x->text, rest.s, 2);
			at += 2;
			continue;
		}
		buf_putc(&x->text, rest.s[0]);
		at++;
	}
}

static struct regex *
keep(struct loader *ld, struct regex *re)
{
	struct set_draft *set = ld->set;

	if (mem_grow(&set->regexes, &set->regex_cap, set->regex_count + 1,
		sizeof(struct regex *)) != 0) {
		regex_free(re);
		ld->fatal = err_nomem(ld->e);
		return NULL;
	}
	set->regexes[set->regex_count++] = re;
	return re;
}

/* Compiles a regex whose caret may point into the scalar; keeps it in the
 * set (freed with it). */
static struct regex *
ld_regex(struct loader *ld, const struct yaml *v)
{
	AUTO(expansion_done)
	struct expansion x = { .text = BUF_INIT(REGEX_PATTERN_MAX * 2) };
	struct regex_error why;
	struct regex *re = NULL;
	const size_t before = ld->errors;
	int r;

	expand(ld, v, &x);
	/* Half an expression would be another one. */
	if (x.text.failed == ERR_NOMEM)
		ld->fatal = err_nomem(ld->e);
	if (x.text.failed == ERR_LIMIT)
		regex_finding(ld, v, 0, "E026", "make a rule of each half",
		    "too long with its named pieces");
	ld->skipped = ld->skipped || x.text.failed == ERR_INVALID;
	if (ld->errors != before || ld->fatal != 0 || ld->skipped)
		return NULL;
	r = regex_new(&(struct regex_options){ .pattern = buf_str(&x.text),
			  .whole = ld->loosens,
			  .dotall = !ld->loosens },
	    &re, &why);
	if (r == 0)
		return keep(ld, re);
	if (r == ERR_NOMEM)
		ld->fatal = err_nomem(ld->e);
	else
		regex_finding(ld, v, source_of(&x, why.offset),
		    why.refused ? "E043" : "E026", why.hint, why.msg);
	return NULL;
}

void
ld_pattern(struct loader *ld, struct rule_list *p)
{
	struct regex_error why;
	struct regex *re = NULL;
	int r;

	if (p->items->kind != YAML_SCALAR)
		return;
	r = regex_new(
	    &(struct regex_options){ .pattern = p->items->text }, &re, &why);
	regex_free(re);
	p->broken = r != 0;
	if (r == ERR_NOMEM)
		ld->fatal = err_nomem(ld->e);
	else if (r != 0)
		regex_finding(ld, p->items, why.offset,
		    why.refused ? "E043" : "E026", why.hint, why.msg);
}

void
read_regex(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	struct regex **ret = to;

	if (ld_is_text(ld, k->name, v))
		*ret = ld_regex(ld, v);
}
