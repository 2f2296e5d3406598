/*
 * Wrappers that make arguments of what they read: xargs, parallel, env -S.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

#include <string.h>

#include "base/num.h"

#define CHUNKS_MAX 64

struct shell_word
input_word(struct norm *n, uint32_t part)
{
	const struct value v =
	    value_unknown(n, ORIGIN_INPUT, STR_NONE, part, STR_NONE);

	return word_of_value(n, &v);
}

/* ---- env --------------------------------------------------------------- */

/* The words of env -S, when it holds nothing but words and plain quotes. */
static bool
split_string(struct norm *n, struct str text, struct words *ret)
{
	struct builder b = { .out = ret };

	for (size_t i = 0; i < text.len;) {
		const char c = text.s[i];

		if (c == ' ' || c == '\t' || c == '\n') {
			builder_break(n, &b);
			i++;
		} else if (c == '\'' || c == '"') {
			const size_t close =
			    str_find(str_from(text, i + 1), c) + i + 1;

			if (close >= text.len)
				return false;
			const struct str in =
			    str_n(text.s + i + 1, close - i - 1);

			if (str_find(in, '\\') < in.len ||
			    str_find(in, '$') < in.len)
				return false;
			builder_text(n, &b, in, false);
			i = close + 1;
		} else if (c == '\\' || c == '$' || c == '#') {
			return false;
		} else {
			builder_text(n, &b, str_n(text.s + i, 1), false);
			i++;
		}
	}
	builder_break(n, &b);
	return true;
}

/* env -S TEXT REST... is env with the words of TEXT before REST. */
static void
env_split(
    struct norm *n, uint32_t part, const struct shell_word *text, size_t rest)
{
	const struct shell_part p = *part_at(n, part);
	struct words ws = { .count = 0 };
	struct inner in = { .via = "env -S", .external = true };

	inner_assigns(&in, &p);
	words_add(n, &ws, &p.argv[0]);
	if (!shell_word_known(text) || !split_string(n, text->text, &ws)) {
		part_refuse(n, part, "a text for env -S that is not plain");
		nested_text(n, part, text, SHELL_OTHER, &in);
		return;
	}
	for (size_t i = rest; i < p.argc; i++)
		words_add(n, &ws, &p.argv[i]);
	inner_run(n, part, &in, ws.w, ws.count);
}

void
wrap_env(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
	int r;

	while ((r = opts_next(n, &o)) > 0) {
		if (!str_eqz(o.name, "S") && !str_eqz(o.name, "split-string"))
			continue;
		env_split(n, part, &o.value, o.at);
		return;
	}
	if (r == 0 && o.at < p.argc && shell_word_is(&p.argv[o.at], "-"))
		from = o.at + 1;
	wrap_general(n, part, w, from);
}

/* ---- xargs ------------------------------------------------------------- */

struct shell_word
replace_mark(struct norm *n, const struct shell_word *w, struct str mark,
    const struct shell_word *by)
{
	struct builder b = { .out = NULL };
	struct shell_word out;
	struct value v;

	for (size_t i = 0; i < w->piece_count; i++) {
		struct str rest = w->pieces[i].text;

		if (w->pieces[i].kind != PIECE_TEXT) {
			builder_piece(n, &b, &w->pieces[i]);
			continue;
		}
		for (;;) {
			const size_t at = str_search(rest, mark);

			builder_text(n, &b, str_head(rest, at), false);
			if (at >= rest.len || mark.len == 0)
				break;
			v = value_of_word(by);
			builder_value(n, &b, &v);
			rest = str_from(rest, at + mark.len);
		}
	}
	v = builder_done_value(n, &b);
	out = word_of_value(n, &v);
	out.flags |= w->flags & ~(unsigned)WORD_DYNAMIC;
	return out;
}

bool
has_mark(const struct shell_word *w, struct str mark)
{
	for (size_t i = 0; i < w->piece_count; i++) {
		const struct str t = w->pieces[i].text;

		if (w->pieces[i].kind == PIECE_TEXT &&
		    str_search(t, mark) < t.len)
			return true;
	}
	return false;
}

struct xargs {
	struct inner in;
	const struct shell_word *argv; /* the command without what is read */
	size_t argc;
	struct str mark; /* -I; s NULL: none */
	uint64_t per_call; /* -n; 0: all */
	bool from_file, terminal, lines, odd;
};

static bool
xargs_options(struct norm *n, struct opts *o, struct xargs *x)
{
	int r;

	while ((r = opts_next(n, o)) > 0) {
		if (opts_in("I i replace", o->name)) {
			x->mark = STR("{}");
			if (o->has_value && shell_word_known(&o->value))
				x->mark = o->value.text;
			else if (o->has_value)
				x->odd = true;
		} else if (opts_in("n max-args", o->name)) {
			if (!shell_word_known(&o->value) ||
			    num_parse_u64(
				o->value.text, 1, 1000000, &x->per_call) != 0)
				x->odd = true;
		} else if (opts_in("L l max-lines s max-chars d delimiter 0 "
				   "null E e eof",
			       o->name)) {
			x->lines = true;
		} else if (opts_in("a arg-file", o->name)) {
			x->from_file = true;
		} else if (opts_in("o open-tty", o->name)) {
			x->terminal = true;
		}
	}
	return r == 0;
}

/* One call of the command with these arguments behind it. */
static void
xargs_call(struct norm *n, uint32_t part, const struct xargs *x,
    const struct shell_word *more, size_t count)
{
	struct words ws = { .count = 0 };

	for (size_t i = 0; i < x->argc; i++)
		words_add(n, &ws, &x->argv[i]);
	for (size_t i = 0; i < count; i++)
		words_add(n, &ws, &more[i]);
	inner_run(n, part, &x->in, ws.w, ws.count);
}

static void
xargs_replaced(struct norm *n, uint32_t part, const struct xargs *x,
    const struct shell_word *by)
{
	struct words ws = { .count = 0 };

	for (size_t i = 0; i < x->argc; i++) {
		const struct shell_word w =
		    replace_mark(n, &x->argv[i], x->mark, by);

		words_add(n, &ws, &w);
	}
	inner_run(n, part, &x->in, ws.w, ws.count);
}

/* Standard input is known, and nothing in it is special to xargs. */
static bool
xargs_text(
    struct norm *n, uint32_t part, const struct xargs *x, struct str *ret)
{
	const struct shell_part *const p = part_at(n, part);

	if (p->stdin_kind != STDIN_TEXT || !shell_word_known(&p->stdin_text) ||
	    n->frame.input.shared || n->stdin_changed || x->lines || x->odd ||
	    x->from_file)
		return false;
	*ret = p->stdin_text.text;
	for (size_t i = 0; i < ret->len; i++) {
		if (strchr("'\"\\", ret->s[i]) != NULL)
			return false;
	}
	return true;
}

/* Lines for -I, words in groups otherwise. False: too many. */
static bool
xargs_known(
    struct norm *n, uint32_t part, const struct xargs *x, struct str text)
{
	struct words ws = { .count = 0 };
	size_t step;

	while (text.len > 0) {
		const struct str unit =
		    str_trim(x->mark.s != NULL ? str_cut(&text, '\n')
					       : str_cut(&text, ' '));
		struct str rest = unit;

		while (rest.len > 0) {
			const struct str one = str_trim(
			    x->mark.s != NULL ? rest : str_cut(&rest, '\n'));
			const struct shell_word w = word_text(n, one);

			if (x->mark.s != NULL)
				rest = STR_NONE;
			if (one.len > 0)
				words_add(n, &ws, &w);
		}
	}
	step = x->mark.s != NULL ? 1 : (size_t)x->per_call;
	if (step == 0)
		step = ws.count == 0 ? 1 : ws.count;
	if (ws.count / step > CHUNKS_MAX)
		return false;
	for (size_t i = 0; i < ws.count || (i == 0 && x->mark.s == NULL);
	     i += step) {
		const size_t left = ws.count - i;

		if (x->mark.s != NULL)
			xargs_replaced(n, part, x, &ws.w[i]);
		else
			xargs_call(
			    n, part, x, ws.w + i, left < step ? left : step);
	}
	return true;
}

void
wrap_xargs(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct xargs x = { .in = inner_of(w) };
	struct opts o = opts_from(w, &p, from);
	struct shell_word read;
	struct str text;

	x.in.context |= CONTEXT_INPUT_ARGS;
	inner_assigns(&x.in, &p);
	if (!xargs_options(n, &o, &x)) {
		part_refuse(n, part, o.bad);
		x.in.context |= CONTEXT_GUESS;
		o.at = past_dashes(&p, o.at);
	}
	x.in.no_input = !x.from_file && !x.terminal;
	x.argv = p.argv + o.at;
	x.argc = p.argc - o.at;
	if (o.at >= p.argc)
		return;
	if (x.odd)
		part_refuse(n, part, "an option's value that is not known");
	if (xargs_text(n, part, &x, &text) && xargs_known(n, part, &x, text))
		return;
	read = input_word(n, part);
	if (p.stdin_kind == STDIN_PIPE && p.stdin_first < p.stdin_part + 1) {
		const struct value shape = output_shape(n, p.stdin_first, part);

		if (shape.count > 0 && shape.pieces[0].kind != PIECE_UNKNOWN)
			read = word_of_value(n, &shape);
	}
	if (x.mark.s != NULL) {
		xargs_replaced(n, part, &x, &read);
		return;
	}
	read.flags |= WORD_SPLIT;
	xargs_call(n, part, &x, &read, 1);
}

/* ---- parallel ---------------------------------------------------------- */

/* Text with a value that is not known wherever {} or the like stands. */
static bool
parallel_text(struct norm *n, struct str text, struct str *ret)
{
	static const char name[] = "$PARALLEL_ARG";
	char *out;
	size_t len = 0;
	bool marked = false;

	out = norm_text(n, text.len * sizeof(name) + sizeof(name));
	if (out == NULL)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const size_t close = str_find(str_from(text, i), '}') + i;
		bool mark = text.s[i] == '{' && close < text.len;

		for (size_t k = i + 1; mark && k < close; k++)
			mark = strchr("0123456789./#%+-", text.s[k]) != NULL;
		if (strchr("'\"\\$`", text.s[i]) != NULL && marked)
			return false;
		if (!mark) {
			out[len++] = text.s[i];
			continue;
		}
		memcpy(out + len, name, sizeof(name) - 1);
		len += sizeof(name) - 1;
		i = close;
		marked = true;
	}
	for (size_t i = 0; i < text.len && marked; i++) {
		if (strchr("'\"\\`", text.s[i]) != NULL)
			return false;
	}
	if (!marked) {
		out[len++] = ' ';
		memcpy(out + len, name, sizeof(name) - 1);
		len += sizeof(name) - 1;
	}
	*ret = str_n(out, len);
	return true;
}

/* "parallel ::: TEXT...": each argument is a command line. */
static void
parallel_commands(struct norm *n, uint32_t part, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = { .via = "parallel", .external = true };

	for (size_t i = from; i < p.argc; i++)
		nested_text(n, part, &p.argv[i], SHELL_BASH, &in);
}

void
wrap_parallel(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
	struct inner in = inner_of(w);
	size_t end;
	struct str text;
	int r;

	in.context |= CONTEXT_INPUT_ARGS;
	while ((r = opts_next(n, &o)) > 0)
		continue;
	if (r < 0)
		part_refuse(n, part, o.bad);
	for (end = o.at; end < p.argc; end++) {
		if (shell_word_known(&p.argv[end]) &&
		    str_starts(p.argv[end].text, STR(":::")))
			break;
	}
	if (end == o.at && end < p.argc && shell_word_is(&p.argv[end], ":::")) {
		parallel_commands(n, part, end + 1);
		return;
	}
	if (end == o.at) {
		part_at(n, part)->code_from_stdin = true;
		part_refuse(n, part, "it runs what it reads");
		return;
	}
	const bool known = words_join(n, p.argv + o.at, end - o.at, &text);

	if (!known || !parallel_text(n, text, &text)) {
		part_refuse(
		    n, part, "a command for parallel that is not plain");
		in.context |= CONTEXT_GUESS;
	}
	const struct shell_word word = word_text(n, text);
	const struct mark m = state_mark(n);
	const struct value none = { .count = 0 };

	var_maybe(n, STR("PARALLEL_ARG"), &none);
	nested_text(n, part, &word, SHELL_BASH, &in);
	state_undo(n, &m);
}
