/*
 * ${ ... }: which parameter, what is done to it, with what.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/parser.h"

#include <string.h>

static bool
refuse_param(struct parser *p)
{
	return parser_refuse(p, p->at, "a ${ } of an unusual form");
}

/* An operand up to '}' (or '/'). */
static bool
operand_lex(struct parser *p, struct seg_list *outer, bool pattern,
    bool stop_slash, struct word **ret)
{
	const bool plain = outer->mode == MODE_WORD ||
	    outer->mode == MODE_OPERAND || outer->mode == MODE_INDEX ||
	    outer->mode == MODE_REGEX;
	struct seg_list l = {
		.mode = plain ? MODE_OPERAND : MODE_OPERAND_QUOTED,
		.pattern = pattern,
		.stop_slash = stop_slash,
	};
	struct word *const w = word_new(p, p->at);

	if (w == NULL)
		return false;
	l.tail = &w->segs;
	if (!segs_lex(p, w, &l))
		return false;
	if (w->continued)
		return parser_refuse(
		    p, p->at, "a line continuation in a ${ } operand");
	w->end = parser_place(p, p->at);
	*ret = w;
	return true;
}

bool
index_lex(struct parser *p, struct word **ret)
{
	const int c = parser_char(p, p->at);
	struct seg_list l = { .mode = MODE_INDEX };
	struct word *const w = word_new(p, p->at);

	if (w == NULL)
		return false;
	l.tail = &w->segs;
	if ((c == '@' || c == '*') && parser_char(p, p->at + 1) == ']') {
		if (seg_add(p, &l, SEG_TEXT,
			parser_slice(p, p->at, p->at + 1)) == NULL)
			return false;
		p->at++;
	} else if (!segs_lex(p, w, &l)) {
		return false;
	}
	if (parser_char(p, p->at) != ']' || w->segs == NULL || w->continued)
		return parser_refuse(p, p->at, "an unusual subscript");
	p->at++;
	w->end = parser_place(p, p->at);
	*ret = w;
	return true;
}

/* The name (or special parameter) at p->at. */
static bool
name_lex(struct parser *p, struct str *ret)
{
	const uint32_t from = p->at;
	const int c = parser_char(p, from);

	if (lex_name_start(c)) {
		while (lex_name_char(parser_char(p, p->at)))
			p->at++;
	} else if (c >= '0' && c <= '9') {
		while (parser_char(p, p->at) >= '0' &&
		    parser_char(p, p->at) <= '9')
			p->at++;
	} else if (c == '@' || c == '*') {
		p->at++;
	} else if (c > 0 && strchr("?$!-#", c) != NULL &&
	    parser_char(p, from + 1) == '}') {
		p->at++;
	} else {
		return refuse_param(p);
	}
	*ret = parser_slice(p, from, p->at);
	return true;
}

static bool
maybe_index(struct parser *p, struct param *pm)
{
	if (parser_char(p, p->at) != '[')
		return true;
	if (!lex_name_start((unsigned char)pm->name.s[0]))
		return refuse_param(p);
	p->at++;
	pm->indexed = true;
	return index_lex(p, &pm->index);
}

static bool
slice_lex(struct parser *p, struct param *pm)
{
	pm->op = PARAM_SLICE;
	if (!arith_lex(p, MODE_SLICE, &pm->arg))
		return false;
	if (parser_char(p, p->at) != ':')
		return true;
	p->at++;
	return arith_lex(p, MODE_SLICE, &pm->arg2);
}

static bool
replace_lex(struct parser *p, struct seg_list *l, struct param *pm)
{
	int c = parser_char(p, p->at);

	pm->op = PARAM_REPLACE;
	if (c == '/') {
		pm->doubled = true;
		p->at++;
	} else if (c == '#' || c == '%') {
		pm->anchor = (char)c;
		p->at++;
	}
	if (!operand_lex(p, l, true, true, &pm->arg))
		return false;
	if (parser_char(p, p->at) != '/')
		return true;
	p->at++;
	return operand_lex(p, l, true, false, &pm->arg2);
}

static bool
value_op_lex(
    struct parser *p, struct seg_list *l, struct param *pm, enum param_op op)
{
	pm->op = op;
	p->at++;
	return operand_lex(p, l, false, false, &pm->arg);
}

static bool
pattern_op_lex(
    struct parser *p, struct seg_list *l, struct param *pm, enum param_op op)
{
	const int c = parser_char(p, p->at);

	pm->op = op;
	p->at++;
	if (parser_char(p, p->at) == c) {
		pm->doubled = true;
		p->at++;
	}
	return operand_lex(p, l, true, false, &pm->arg);
}

static bool
transform_lex(struct parser *p, struct param *pm)
{
	const int c = parser_char(p, p->at + 1);

	if (c <= 0 || strchr("UuLQEPAKak", c) == NULL)
		return refuse_param(p);
	pm->op = PARAM_TRANSFORM;
	pm->anchor = (char)c;
	p->at += 2;
	return true;
}

/* Behind the name: what is done to the value. */
static bool
op_lex(struct parser *p, struct seg_list *l, struct param *pm)
{
	const int c = parser_char(p, p->at);
	const int d = parser_char(p, p->at + 1);

	switch (c) {
	case '}':
		return true;
	case ':':
		p->at++;
		if (d != '-' && d != '=' && d != '?' && d != '+')
			return slice_lex(p, pm);
		pm->colon = true;
		return op_lex(p, l, pm);
	case '-':
		return value_op_lex(p, l, pm, PARAM_DEFAULT);
	case '=':
		return value_op_lex(p, l, pm, PARAM_ASSIGN);
	case '?':
		return value_op_lex(p, l, pm, PARAM_ERROR);
	case '+':
		return value_op_lex(p, l, pm, PARAM_ALTERNATE);
	case '#':
		return pattern_op_lex(p, l, pm, PARAM_REMOVE_PREFIX);
	case '%':
		return pattern_op_lex(p, l, pm, PARAM_REMOVE_SUFFIX);
	case '/':
		p->at++;
		return replace_lex(p, l, pm);
	case '^':
		return pattern_op_lex(p, l, pm, PARAM_UPPER);
	case ',':
		return pattern_op_lex(p, l, pm, PARAM_LOWER);
	case '@':
		return transform_lex(p, pm);
	default:
		return refuse_param(p);
	}
}

/* ${!name} and its relatives; p->at stands behind the '!'. */
static bool
indirect_lex(struct parser *p, struct param *pm)
{
	if (!lex_name_start(parser_char(p, p->at)) || !name_lex(p, &pm->name) ||
	    !maybe_index(p, pm))
		return refuse_param(p);
	pm->op = PARAM_INDIRECT;
	if (pm->indexed) {
		if (!word_is_bare(pm->index, "@") &&
		    !word_is_bare(pm->index, "*"))
			return refuse_param(p);
		pm->op = PARAM_NAMES;
	} else if (parser_char(p, p->at) == '@' ||
	    parser_char(p, p->at) == '*') {
		pm->op = PARAM_NAMES;
		p->at++;
	}
	return true;
}

static bool
length_lex(struct parser *p, struct param *pm)
{
	pm->op = PARAM_LENGTH;
	return name_lex(p, &pm->name) && maybe_index(p, pm);
}

static bool
param_inner(struct parser *p, struct seg_list *l, struct param *pm)
{
	const int c = parser_char(p, p->at);
	const int d = parser_char(p, p->at + 1);

	if (c == '!' && d != '}') {
		p->at++;
		return indirect_lex(p, pm);
	}
	if (c == '#' && d != '}') {
		p->at++;
		return length_lex(p, pm);
	}
	return name_lex(p, &pm->name) && maybe_index(p, pm) && op_lex(p, l, pm);
}

bool
param_lex(struct parser *p, struct word *w, struct seg_list *l)
{
	const uint32_t start = p->at - 2;
	struct param *const pm = parser_alloc(p, sizeof(*pm));
	struct seg *s;

	(void)w;
	if (pm == NULL || !parser_enter(p) || !param_inner(p, l, pm))
		return false;
	parser_leave(p);
	if (parser_char(p, p->at) != '}')
		return parser_refuse(p, start, "a ${ } that is not closed");
	p->at++;
	s = seg_add(p, l, SEG_PARAM, parser_slice(p, start, p->at));
	if (s == NULL)
		return false;
	s->u.param = pm;
	return true;
}
